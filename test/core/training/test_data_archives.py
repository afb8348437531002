"""Archives of many objects: .npz as in shared/data, HDF5 as the benchmarks are published."""

import os
from pathlib import Path

import numpy as np
import pytest

from pointpng_core.errors import ConfigError, FileError, MissingDependencyError
from pointpng_core.training.data import SourceConfig, load_sources

DATA = Path(os.environ.get('POINTPNG_DATA', Path(__file__).parents[4] / 'shared' / 'data'))


def load(path, *, pool=64, seed=0, reports=None, cache_dir=None, **options):
    report = reports.append if reports is not None else None
    return load_sources([SourceConfig(path=str(path), **options)], pool=pool, seed=seed,
                        cache_dir=cache_dir, report=report)[0]


def clouds(count, points=100, seed=0):
    """int16 clouds whose extent along x identifies them, after normalisation too."""
    rng = np.random.default_rng(seed)
    shapes = rng.uniform(-1, 1, size=(count, points, 3))
    shapes *= 0.3 * np.stack([np.ones(count), np.linspace(0.2, 0.9, count), np.ones(count) * 0.1],
                             axis=1)[:, None]
    return (shapes * 32767).astype(np.int16)


@pytest.fixture
def archive(tmp_path):
    content = {'points': clouds(6), 'split': np.array([0, 1, 0, 1, 0, 0], np.uint8),
               'label': np.array([0, 0, 1, 1, 0, 1], np.uint8),
               'name': np.array(list('abcdef')), 'class_names': np.array(['bed', 'desk']),
               'n_unique': np.array([900, 900, 900, 900, 255, 256], np.uint16),
               'doc': np.array('made by a test')}

    def write(**changes):
        merged = {key: value for key, value in {**content, **changes}.items() if value is not None}
        np.savez(tmp_path / 'objects.npz', **merged)
        return tmp_path / 'objects.npz'
    return write


def test_the_split_and_the_unique_points_choose_the_objects(archive):
    path = archive()
    train = load(path)
    assert train.names == ('a', 'c', 'f')
    assert train.labels.tolist() == [0, 1, 1]
    assert train.class_names == ('bed', 'desk')
    assert train.provenance['few_unique'] == 1
    assert not train.provenance['single_view']
    assert len(train.provenance['sha256']) == 64
    assert load(path, split='test').names == ('b', 'd')
    assert len(load(path, split='all', least_unique=0)) == 6
    assert not set(train.names) & set(load(path, split='test').names)
    with pytest.raises(FileError, match="no object of split 'train'"):
        load(path, least_unique=1000)


def test_the_points_are_the_objects_of_the_file(archive):
    result = load(archive(), pool=100).points.numpy()
    for points, stored in zip(result, clouds(6)[[0, 2, 5]]):
        extent = np.ptp(stored.astype(float), axis=0)
        np.testing.assert_allclose(np.ptp(points, axis=0) / np.ptp(points[:, 0]),
                                   extent / extent[0], rtol=1e-5)


def test_only_points_are_required(archive):
    result = load(archive(split=None, label=None, name=None, class_names=None, n_unique=None))
    assert result.names[:2] == ('000000', '000001')
    assert result.labels.tolist() == [-1] * 6
    assert result.class_names == ()
    floats = load(archive(points=clouds(6) / 32767, n_unique=None))
    assert len(floats) == 4


@pytest.mark.parametrize(('changes', 'words'), [
    ({'points': None}, 'expected `points`.*found'),
    ({'points': np.full((6, 10, 3), 'x')}, 'must be numbers'),
    ({'points': np.zeros((6, 10, 3), np.complex64)}, 'complex64'),
    ({'points': np.zeros((6, 10))}, r'\(6, 10\)'),
    ({'label': np.zeros(5, np.uint8)}, r'label has shape \(5,\)'),
    ({'label': np.zeros(6)}, 'label must be integers, got float64'),
    ({'label': np.full(6, 2)}, 'label 2 has no name'),
    ({'split': np.full(6, 2)}, 'split 2 is not known'),
    ({'points': np.zeros((6, 10, 3), np.int16)}, 'gives no object')])
def test_archives_of_another_layout_are_refused(archive, changes, words):
    with pytest.raises(FileError, match=words):
        load(archive(**changes))


def test_damaged_archives_and_pickles_are_refused(archive, tmp_path):
    path = archive()
    whole = path.read_bytes()
    for damaged in (b'', b'PK nonsense', whole[:len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match=r'not a readable \.npz|is empty'):
            load(path)
    np.savez(path, points=np.array([{}], dtype=object))
    with pytest.raises(FileError, match='holds Python objects'):
        load(path)


def test_a_cached_source_is_the_same_and_follows_its_file(archive, tmp_path):
    path, cache = archive(), tmp_path / 'cache'
    first, again = load(path, cache_dir=cache), load(path, cache_dir=cache)
    assert (first.points == again.points).all()
    assert first.provenance == again.provenance
    assert len(list(cache.iterdir())) == 1
    assert load(path, cache_dir=cache, weight=3.0).weight == 3.0      # no part of the objects
    assert len(list(cache.iterdir())) == 1
    assert load(path, cache_dir=cache, split='test').names == ('b', 'd')
    load(path, cache_dir=cache, pool=32)
    load(path, cache_dir=cache, seed=1)
    assert len(list(cache.iterdir())) == 4
    archive(name=np.array(list('uvwxyz')))
    os.utime(path, ns=(1, 1))
    assert load(path, cache_dir=cache).names == ('u', 'w', 'z')


def test_losses_are_reported_again_from_the_cache(archive, tmp_path):
    points = clouds(6)
    points[2] = 7
    path = archive(points=points)
    for _ in range(2):
        reports = []
        assert load(path, cache_dir=tmp_path / 'cache', reports=reports).names == ('a', 'f')
        assert len(reports) == 1
        assert '1 of 3 objects are left out' in reports[0]


def test_meshes_are_sampled(tmp_path):
    vertices = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.uint16)
    np.savez(tmp_path / 'm.npz', **{'a/vertices': vertices, 'a/faces': faces,
                                    'b/vertices': vertices * 5, 'c/vertices': vertices,
                                    'c/faces': np.full((1, 3), 9, np.uint16)})
    reports = []
    result = load(tmp_path / 'm.npz', reports=reports, pool=2000)
    assert result.names == ('a',)
    assert '2 of 3 objects' in reports[0]
    assert np.ptp(result.points[0].numpy(), axis=0) == pytest.approx(
        np.array([2, 1, 1]) / 5 ** 0.5, rel=0.05)


def write_hdf5(path, count, *, data=None, label=None, **more):
    h5py = pytest.importorskip('h5py', reason='needs h5py (pip install h5py)')
    with h5py.File(path, 'w') as content:
        content['data'] = clouds(count, 64).astype(np.float32) if data is None else data
        if label is not False:
            content['label'] = (np.arange(count, dtype=np.uint8)[:, None] if label is None
                                else label)
        for key, value in more.items():
            content[key] = value


def test_modelnet40s_folder(tmp_path):
    for name, count in (('train0', 3), ('train1', 2), ('test0', 2)):
        write_hdf5(tmp_path / f'ply_data_{name}.h5', count)
    for split, names in (('train', ('train0', 'train1')), ('test', ('test0',))):
        (tmp_path / f'{split}_files.txt').write_text(''.join(
            f'data/modelnet40_ply_hdf5_2048/ply_data_{name}.h5\n' for name in names))
    (tmp_path / 'shape_names.txt').write_text('airplane\nbathtub\nbed\n')
    train, test = load(tmp_path), load(tmp_path, split='test')
    assert train.labels.tolist() == [0, 1, 2, 0, 1]
    assert train.class_names == test.class_names == ('airplane', 'bathtub', 'bed')
    assert train.names[3] == 'ply_data_train1/00000'
    assert test.labels.tolist() == [0, 1]
    assert len(load(tmp_path, split='all')) == 7
    alone = load(tmp_path / 'ply_data_train1.h5')
    assert len(alone) == 2
    second = [np.sort(objects.points[k, :, 0]) for objects, k in ((train, 4), (alone, 1))]
    np.testing.assert_allclose(*second, atol=1e-6)


def test_the_list_beside_a_file_decides_its_split(tmp_path):
    write_hdf5(tmp_path / 'part0.h5', 2)
    write_hdf5(tmp_path / 'part1.h5', 1)
    (tmp_path / 'test_files.txt').write_text('part1.h5\n')
    assert len(load(tmp_path)) == 2
    assert len(load(tmp_path, split='test')) == 1


def test_scanobjectnns_files(tmp_path):
    for name, count in (('training', 4), ('test', 2)):
        write_hdf5(tmp_path / f'{name}_objectdataset.h5', count, label=np.arange(count) + 11,
                   mask=np.zeros((count, 64), np.int32))
    train = load(tmp_path)
    assert [train.class_names[k] for k in train.labels] == ['pillow', 'sink', 'sofa', 'toilet']
    with pytest.raises(ConfigError, match=r'no file of the train split.*\(test\)'):
        load(tmp_path / 'test_objectdataset.h5')
    write_hdf5(tmp_path / 'training_objectdataset_augmentedrot_scale75.h5', 1)
    with pytest.raises(FileError, match=r'several data sets.*name the file'):
        load(tmp_path)


@pytest.mark.parametrize(('changes', 'words'), [
    ({'data': np.zeros((2, 64))}, r'\(2, 64\)'),
    ({'data': np.full((2, 64, 3), b'x')}, 'must be numbers'),
    ({'label': np.zeros(3, np.uint8)}, 'must be 2 integers'),
    ({'label': np.zeros(2)}, 'float64')])
def test_hdf5_of_another_layout_is_refused(tmp_path, changes, words):
    write_hdf5(tmp_path / 'train.h5', 2, **changes)
    with pytest.raises(FileError, match=words):
        load(tmp_path / 'train.h5')


def test_damaged_hdf5_and_other_keys_are_refused(tmp_path):
    h5py = pytest.importorskip('h5py', reason='needs h5py (pip install h5py)')
    path = tmp_path / 'train.h5'
    write_hdf5(path, 2, label=False)
    assert load(path).labels.tolist() == [-1, -1]
    whole = path.read_bytes()
    for damaged in (b'', b'text', whole[:len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match=r'not a readable HDF5|is empty'):
            load(path)
    with h5py.File(path, 'w') as content:
        content['other'] = [1]
    with pytest.raises(FileError, match='expected the key `data`, found other'):
        load(path)


def test_without_h5py_the_error_says_what_to_install(tmp_path, monkeypatch):
    write_hdf5(tmp_path / 'train.h5', 1)
    monkeypatch.setitem(__import__('sys').modules, 'h5py', None)
    with pytest.raises(MissingDependencyError, match='pip install h5py'):
        load(tmp_path / 'train.h5')


@pytest.mark.data
def test_the_shared_sets_load():
    if not (DATA / 'modelnet10_1024.npz').exists():
        pytest.skip(f'no {DATA}: set POINTPNG_DATA to the folder of the shared data sets')
    test = load(DATA / 'modelnet10_1024.npz', split='test')
    assert len(test) == 908
    assert len(test.class_names) == 10
    assert len(load(DATA / 'modelnet40_airplane_4096.npz', limit=30)) == 30
    assert len(load(DATA / 'ycb_meshes.npz', limit=5)) == 5
