"""Normalised objects: what they promise, what is refused, and what the cache must not change."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.distance import pdist

from pointpng_core.errors import CloudError, FileError
from pointpng_core.io.sealed_arrays import read_sealed, sealed
from pointpng_core.training.data.cache import cached
from pointpng_core.training.data.objects import (
    MIN_POINTS,
    RawObjects,
    normalised,
    prepare_objects,
)


def cloud(count=200, seed=0, scale=(1.0, 0.5, 0.2), offset=(0, 0, 0)):
    points = np.random.default_rng(seed).normal(size=(count, 3)) * scale + offset
    return points.astype(np.float32)


def raw(clouds, **more):
    return RawObjects(read=lambda k: clouds[k], labels=np.arange(len(clouds)),
                      names=tuple(f'object_{k}' for k in range(len(clouds))), **more)


@settings(max_examples=40, deadline=None)
@given(scale=st.floats(1e-6, 1e6), offset=st.floats(-1, 1), count=st.integers(20, 300))
def test_every_object_is_centred_and_of_diameter_one(scale, offset, count):
    points = cloud(count, scale=(scale, scale / 2, scale / 5), offset=(offset * scale,) * 3)
    both = normalised(points, pool=count, seed=3)
    result = both[:, :3]
    assert not both[:, 3:].any()                        # no normals are known
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.mean(axis=0), 0, atol=1e-6)
    assert pdist(result).max() == pytest.approx(1, abs=1e-4)
    order = np.lexsort(result.T)
    again = (points - points.mean(axis=0)) / pdist(points.astype(np.float64)).max()
    np.testing.assert_allclose(result[order], again[np.lexsort(again.T)], atol=1e-4)


def test_the_diameter_is_that_of_the_whole_object_not_of_the_pool():
    points = np.concatenate([cloud(500, scale=(0.1, 0.1, 0.1)), [[-5, 0, 0], [5, 0, 0]]])
    whole = pdist(points).max()
    result = normalised(points, pool=20, seed=1)      # this sample has neither of the two ends
    assert pdist(result).max() * whole < 1.5


def test_the_order_is_random_and_small_objects_are_repeated_evenly():
    line = np.stack([np.arange(100.0), np.zeros(100), np.zeros(100)], axis=1)
    result = normalised(line, pool=250, seed=0)
    places = np.round((result[:, 0] - result[:, 0].min()) * 99).astype(int)
    assert set(np.bincount(places)) == {2, 3}
    assert 30 < places[:25].mean() < 70
    assert not np.array_equal(result, normalised(line, pool=250, seed=1))


def test_normals_stay_with_their_points_and_are_unit_or_zero():
    points = cloud()
    normals = points - points.mean(axis=0)
    normals[::50] = np.nan
    holes = np.concatenate([[[np.nan, 0, 0, 1, 0, 0]], np.hstack((points, normals))])
    result = normalised(holes, pool=200, seed=0)
    length = np.linalg.norm(result[:, 3:], axis=1)
    assert np.isclose(length[length > 0], 1, atol=1e-5).all()
    assert (length == 0).sum() == 4
    known = result[length > 0]
    np.testing.assert_allclose(known[:, 3:], known[:, :3] / np.linalg.norm(
        known[:, :3], axis=1, keepdims=True), atol=1e-3)


def test_holes_and_integers_are_read():
    points = (cloud() * 1000).astype(np.int16)
    holes = np.concatenate([[[np.nan, 0, 0]], points, [[np.inf, 1, 1]]])
    assert np.isfinite(normalised(holes, pool=50, seed=0)).all()
    assert normalised(points, pool=50, seed=0).shape == (50, 6)


@pytest.mark.parametrize(('points', 'words'), [
    (np.full((100, 3), np.nan), '0 finite points'),
    (cloud(MIN_POINTS - 1), '15 finite points'),
    (np.ones((100, 3)), 'in one place'),
    (np.zeros((100, 2)), r'\(100, 2\)'),
    (np.full((100, 3), 'x'), 'array of numbers')])
def test_degenerate_clouds_are_refused(points, words):
    with pytest.raises(CloudError, match=words):
        normalised(points, pool=10, seed=0)


def test_what_is_left_out_is_counted_and_reported():
    clouds = [cloud(seed=1), np.ones((100, 3)), cloud(seed=2), np.zeros((100, 3))]
    prepared = prepare_objects(raw(clouds, losses=('earlier',)), name='here', pool=64, seed=0)
    assert prepared.names == ('object_0', 'object_2')
    assert prepared.labels.tolist() == [0, 2]
    assert prepared.facts['left_out'] == 2
    first, second = prepared.facts['losses']
    assert first == 'earlier'
    assert '2 of 4 objects are left out' in second
    assert 'in one place' in second
    with pytest.raises(FileError, match='gives no object; here: 1 of 1'):
        prepare_objects(raw(clouds[1:2]), name='here', pool=64, seed=0)


def test_one_object_cannot_spoil_the_others():
    def read(index):
        if index == 1:
            raise FileError('object_1.off is broken')
        return cloud(seed=index)
    objects = RawObjects(read=read, labels=np.zeros(3, np.int64), names=('a', 'b', 'c'))
    prepared = prepare_objects(objects, name='here', pool=64, seed=0)
    assert prepared.names == ('a', 'c')
    assert 'object_1.off is broken' in prepared.facts['losses'][0]


def test_a_limit_samples_some_of_the_same_objects():
    clouds = [cloud(seed=k) for k in range(20)]
    every = prepare_objects(raw(clouds), name='x', pool=32, seed=5)
    some = prepare_objects(raw(clouds), name='x', pool=32, seed=5, limit=6)
    assert len(some.names) == 6
    assert some.labels.tolist() == sorted(some.labels) != list(range(6))
    np.testing.assert_array_equal(some.points, every.points[some.labels])
    other = prepare_objects(raw(clouds), name='x', pool=32, seed=6, limit=6)
    assert other.names != some.names


def test_progress_reaches_its_end():
    calls = []
    prepare_objects(raw([cloud(), cloud()]), name='x', pool=8, seed=0,
                    progress=lambda *call: calls.append(call))
    assert calls[0] == (0, 2, 'objects of x')
    assert calls[-1] == (2, 2, 'objects of x')


def prepared_once(counter):
    def build():
        counter.append(1)
        return prepare_objects(raw([cloud(seed=k) for k in range(3)], class_names=('a', 'b', 'c'),
                                   facts={'topic': '/x'}), name='x', pool=16, seed=0)
    return build


def same(a, b):
    np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert (a.names, a.class_names, a.facts) == (b.names, b.class_names, b.facts)


def test_the_cache_returns_what_was_built(tmp_path):
    counter = []
    first = cached(tmp_path, ('a', 1), prepared_once(counter))
    same(first, cached(tmp_path, ('a', 1), prepared_once(counter)))
    assert len(counter) == 1
    cached(tmp_path, ('a', 2), prepared_once(counter))
    cached(None, ('a', 1), prepared_once(counter))
    assert len(counter) == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_any_damage_to_a_cached_file_is_built_again(tmp_path):
    counter = []
    first = cached(tmp_path, ('a',), prepared_once(counter))
    file, = tmp_path.iterdir()
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xff
    for damage in (b'', b'nonsense', whole[:100], whole[:-30], bytes(flipped)):
        file.write_bytes(damage)
        builds = len(counter)
        same(first, cached(tmp_path, ('a',), prepared_once(counter)))
        assert len(counter) == builds + 1
        assert file.read_bytes() == whole


@pytest.mark.parametrize('change', [
    lambda content: {'labels': content['labels'][:-1]},
    lambda content: {'points': content['points'].astype(np.float64)},
    lambda content: {'points': content['points'][:, :, :2].copy()},
    lambda content: {'points': content['points'] * np.float32(np.nan)},
    lambda content: {'texts': np.zeros(3, np.uint8)}])
def test_arrays_that_do_not_fit_are_built_again(tmp_path, change):
    """Under a right seal, too."""
    counter = []
    first = cached(tmp_path, ('a',), prepared_once(counter))
    file, = tmp_path.iterdir()
    content = read_sealed(file, key=file.stem)
    file.write_bytes(sealed({**content, **change(content)}, key=file.stem))
    same(first, cached(tmp_path, ('a',), prepared_once(counter)))
    assert len(counter) == 2


def test_a_changed_value_or_the_file_of_other_objects_is_found(tmp_path):
    counter = []
    first = cached(tmp_path, ('a',), prepared_once(counter))
    file, = tmp_path.iterdir()
    content = read_sealed(file, key=file.stem)
    file.write_bytes(sealed({**content, 'points': content['points'] + np.float32(0.05)},
                            key='another'))
    same(first, cached(tmp_path, ('a',), prepared_once(counter)))
    cached(tmp_path, ('b',), lambda: replace(first, labels=first.labels + 1))
    (other,) = set(tmp_path.iterdir()) - {file}
    other.replace(file)
    same(first, cached(tmp_path, ('a',), prepared_once(counter)))
    assert len(counter) == 3


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path):
    blocked = tmp_path / 'file'
    blocked.write_text('no folder')
    assert len(cached(blocked / 'cache', ('a',), prepared_once([])).names) == 3
