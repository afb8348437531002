"""The benchmark of relative poses: metrics by hand, and methods that are right, wrong or slow."""

import time

from helpers.evaluation import write_pairs
from helpers.objects import boxes, pose, random_rotation_matrix
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import FileError
from pointpng_core.evaluation.pairs.files import PosePair, read_pairs
from pointpng_core.evaluation.pose.metrics import (
    add_s,
    as_good_as_truth,
    extent_diagonal,
    residual,
    rotation_error_deg,
)
from pointpng_core.evaluation.pose.pose_benchmark import run, summarise
from pointpng_core.geometry.meshes import sample_surface
from pointpng_core.geometry.rigid_motion import transform


def rotated(degrees, axis=(0, 0, 1.0)):
    return pose(Rotation.from_rotvec(np.radians(degrees) * np.array(axis)).as_matrix())


# --- metrics by hand -----------------------------------------------------------------------


@pytest.mark.parametrize('degrees', [0.0, 0.01, 5.0, 90.0, 179.9, 180.0])
def test_rotation_error_is_the_angle_between(degrees):
    T = pose(random_rotation_matrix(1), (1, 2, 3))
    assert rotation_error_deg(T @ rotated(degrees), T) == pytest.approx(degrees, abs=1e-5)
    assert rotation_error_deg(T, T @ rotated(degrees)) == pytest.approx(degrees, abs=1e-5)


def test_extent_is_the_diagonal_of_the_box():
    assert extent_diagonal(np.array([[0, 0, 0], [3, 0, 1], [1, 4, 13.0]])) \
        == pytest.approx(np.sqrt(9 + 16 + 169))


def test_add_s_by_hand():
    points = np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]])
    assert add_s(points, pose(), pose()) == 0
    assert add_s(points, pose(t=(0, 0, 2)), pose()) == pytest.approx(2)
    # (0, 0, 0) -> itself, (10, 0, 0) -> (0, 10, 0), (0, 10, 0) -> (-10, 0, 0): of the true points
    # the second is 10 from the nearest estimated one, the others lie on one.
    assert add_s(points, rotated(90), pose()) == pytest.approx(10 / 3)


def test_add_s_forgives_a_symmetry_and_nothing_else():
    ring = transform(rotated(5), np.array([[np.cos(a), np.sin(a), 0] for a in
                                          np.radians(np.arange(0, 360, 10))]))
    assert add_s(ring, rotated(40), pose()) == pytest.approx(0, abs=1e-12)
    assert add_s(ring, rotated(45), pose()) == pytest.approx(2 * np.sin(np.radians(2.5)))
    assert add_s(ring, rotated(90, (1.0, 0, 0)), pose()) > 0.3


def test_residual_goes_from_target_to_moved_source():
    source, target = np.array([[0.0, 0, 0], [5, 0, 0]]), np.array([[0, 0, 3.0]])
    assert residual(source, target, pose()) == pytest.approx(3)
    assert residual(source, target, pose(t=(0, 0, 3))) == 0
    assert residual(target, source, pose()) == pytest.approx((3 + np.sqrt(34)) / 2)


def test_as_good_as_truth_is_a_matter_of_five_percent():
    """A grid of step 1 on itself lifted by 1: the true residual is 1, sideways it grows slowly."""
    grid = np.stack(np.meshgrid(np.arange(9.0), np.arange(9.0), [0.0]), -1).reshape(-1, 3)
    source, target = grid + np.array([0, 0, 1]), grid
    assert as_good_as_truth(source, target, pose(), pose())
    assert as_good_as_truth(source, target, pose(t=(0, 0, 0.04)), pose())
    assert not as_good_as_truth(source, target, pose(t=(0, 0, 0.06)), pose())
    assert as_good_as_truth(source, target, pose(t=(0, 0, -0.5)), pose())
    assert as_good_as_truth(grid, grid, pose(t=(0, 0, 1e-3)), pose())  # rounding, not an error
    assert not as_good_as_truth(grid, grid, pose(t=(0, 0, 0.1)), pose())


# --- files of pairs ------------------------------------------------------------------------


def test_pairs_come_back_as_they_were_written(tmp_path):
    truths, source, target = write_pairs(tmp_path / 'p.npz')
    pairs = read_pairs(tmp_path / 'p.npz')
    assert len(pairs) == 4
    for pair, T, a, b in zip(pairs, truths, source, target):
        assert np.allclose(pair.T_target_source, T, atol=1e-6)
        assert np.abs(pair.source - a).max() < 3e-5
        assert np.abs(pair.target - b).max() < 3e-5
        assert pair.source.dtype == np.float32


@pytest.mark.parametrize(('limit', 'count'), [(1, 1), (2, 2), (3, 2), (4, 4), (100, 4)])
def test_a_limit_spreads_over_the_file(tmp_path, limit, count):
    truths, *_ = write_pairs(tmp_path / 'p.npz')
    pairs = read_pairs(tmp_path / 'p.npz', limit=limit)
    assert len(pairs) == count
    assert np.allclose(pairs[0].T_target_source, truths[0], atol=1e-6)
    if limit == 2:
        assert np.allclose(pairs[1].T_target_source, truths[2], atol=1e-6)


@pytest.mark.parametrize(('replaced', 'message'), [
    ({'rotation': None}, 'lacks rotation'), ({'rotation': np.zeros((4, 3))}, "'rotation' has"),
    ({'scale': np.zeros(3)}, "'scale' has"), ({'target': np.zeros((4, 5), np.int16)}, "'target'"),
    ({'source': np.zeros((0, 9, 3), np.int16)}, "'source'")],
    ids=['missing', 'wrong width', 'wrong count', 'wrong rank', 'empty'])
def test_files_without_pairs_are_refused(tmp_path, replaced, message):
    write_pairs(tmp_path / 'p.npz', **replaced)
    with pytest.raises(FileError, match=message):
        read_pairs(tmp_path / 'p.npz')


def test_files_that_are_no_archive_are_refused(tmp_path):
    with pytest.raises(FileError, match='No such file'):
        read_pairs(tmp_path / 'no.npz')
    (tmp_path / 'text.npz').write_text('pairs')
    with pytest.raises(FileError, match=r'not a readable \.npz file'):
        read_pairs(tmp_path / 'text.npz')
    write_pairs(tmp_path / 'p.npz')
    (tmp_path / 'cut.npz').write_bytes((tmp_path / 'p.npz').read_bytes()[:-500])
    with pytest.raises(FileError, match=r'not a readable \.npz file'):
        read_pairs(tmp_path / 'cut.npz')


# --- methods that are right, wrong or slow -------------------------------------------------


class Oracle:
    """Knows the true pose, and returns it with a given error."""

    name = 'oracle'

    def __init__(self, pairs, off=None, prepare_s=0.0, register_s=0.0):
        self.pairs, self.off = pairs, np.eye(4) if off is None else off
        self.prepare_s, self.register_s, self.prepared = prepare_s, register_s, 0

    def prepare(self, source):
        self.prepared += 1
        time.sleep(self.prepare_s)
        return source

    def register(self, prepared, target):
        time.sleep(self.register_s)
        pair = next(pair for pair in self.pairs
                    if pair.source is prepared and pair.target is target)
        return pair.T_target_source @ self.off, {'think': 2.5}


def box_pairs(count=3):
    """A box of 0.3 x 0.4 x 1.2 about its middle: symmetric by 180 degrees, extent 1.3."""
    pairs = []
    for index in range(count):
        box = boxes(([-0.15, -0.2, -0.6], [0.15, 0.2, 0.6]))
        points, _ = sample_surface(box, 3000, seed=index)
        T = pose(random_rotation_matrix(index), (0.1, 0, 3))
        pairs.append(PosePair(source=points, target=transform(T, points).astype(np.float32),
                              T_target_source=T))
    return pairs


def scored(off=None, **times):
    pairs = box_pairs()
    return summarise(run(Oracle(pairs, off, **times), pairs))


def test_the_truth_scores_full_marks():
    summary = scored()
    assert summary['rotation_max_deg'] < 1e-4
    for key in ('recall_5deg', 'adds_2', 'adds_5', 'adds_10', 'as_good_as_truth'):
        assert summary[key] == 1.0


def test_nonsense_scores_nothing():
    summary = scored(pose(random_rotation_matrix(9), (5, 0, 0)))
    for key in ('recall_5deg', 'adds_2', 'adds_5', 'adds_10', 'as_good_as_truth'):
        assert summary[key] == 0.0
    assert summary['rotation_mean_deg'] == pytest.approx(
        rotation_error_deg(pose(random_rotation_matrix(9)), pose()))


def test_a_shift_fails_the_thresholds_one_by_one():
    """ADD-S of a shift along x grows with it; the extent is 1.3."""
    for shift, expected in ((0.015, (1, 1, 1)), (0.1, (0, 1, 1)), (0.2, (0, 0, 1)),
                            (1.2, (0, 0, 0))):
        summary = scored(pose(t=(shift, 0, 0)))
        assert (summary['adds_2'], summary['adds_5'], summary['adds_10']) == expected
        assert summary['recall_5deg'] == 1.0


def test_a_flip_of_a_symmetric_box_fails_by_angle_but_is_as_good_as_truth():
    summary = scored(rotated(180))
    assert summary['recall_5deg'] == 0.0
    assert summary['rotation_median_deg'] == pytest.approx(180)
    assert summary['adds_2'] == 1.0


def test_the_angle_of_recall_is_five_degrees():
    assert scored(rotated(4.9))['recall_5deg'] == 1.0
    assert scored(rotated(5.1))['recall_5deg'] == 0.0


def test_preparation_is_timed_apart():
    summary = scored(prepare_s=0.06, register_s=0.01)
    assert summary['reference_ms'] >= 60
    assert 10 <= summary['ms_median'] <= summary['ms_p95']
    assert summary['ms_median'] < summary['reference_ms']
    assert summary['stage_ms'] == {'think': 2.5}
    swapped = scored(prepare_s=0.0, register_s=0.03)
    assert swapped['ms_median'] >= 30
    assert swapped['ms_median'] > swapped['reference_ms']


def test_means_medians_and_shares_of_rows():
    rows = [{'rotation_deg': angle, 'add_s': distance, 'as_good_as_truth': good, 'ms': spent,
             'reference_ms': 7.0}
            for angle, distance, good, spent in ((1.0, 0.01, 1.0, 10.0), (3.0, 0.03, 1.0, 20.0),
                                                 (4.0, 0.07, 0.0, 30.0), (92.0, 0.2, 0.0, 40.0))]
    summary = summarise(rows)
    assert summary['rotation_mean_deg'] == 25
    assert summary['rotation_median_deg'] == 3.5
    assert summary['rotation_max_deg'] == 92
    assert summary['recall_5deg'] == 0.75
    assert (summary['adds_2'], summary['adds_5'], summary['adds_10']) == (0.25, 0.5, 0.75)
    assert summary['as_good_as_truth'] == 0.5
    assert (summary['ms_median'], summary['reference_ms']) == (25, 7)
    assert summary['ms_p95'] == pytest.approx(38.5)


@pytest.mark.parametrize(('key', 'value', 'words'), [
    ('source', np.zeros((2, 8, 3), np.float32), 'int16'),
    ('rotation', np.zeros((2, 4), np.float32), 'length zero'),
    ('target', np.zeros((2, 8, 2), np.int16), 'expected 2 rows'),
    ('source', np.zeros((0, 8, 3), np.int16), 'at least one')])
def test_pairs_that_mean_something_else_are_refused(tmp_path, key, value, words):
    arrays = {'source': np.zeros((2, 8, 3), np.int16), 'target': np.zeros((2, 8, 3), np.int16),
              'scale': np.ones(2), 'rotation': np.eye(4)[[3, 3]], 'translation': np.zeros((2, 3))}
    np.savez(tmp_path / 'pairs.npz', **(arrays | {key: value}))
    with pytest.raises(FileError, match=words):
        read_pairs(tmp_path / 'pairs.npz')
