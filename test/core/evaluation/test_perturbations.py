"""Perturbations of pairs: what is asked for is done, and the pose stays true."""

from helpers.objects import apart_deg, whole
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.observation_kind import seen_from_outside
from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.evaluation.pose.perturbations import fewer, hidden, misaligned, noisy
from pointpng_core.geometry.rigid_motion import transform


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(params=['view_pair', 'surface_pair'])
def pair(request):
    return request.getfixturevalue(request.param)


def split(pair, perturbed):
    """What is left of the target and what was taken away, as rows of coordinates."""
    left = {tuple(point) for point in perturbed.target.tolist()}
    return np.array(sorted(left)), np.array([
        point for point in pair.target.tolist() if tuple(point) not in left])


def separable(a, b):
    """Whether a straight line or plane keeps two sets of points apart: a linear programme."""
    from scipy.optimize import linprog
    sides = np.concatenate([np.c_[a, np.ones(len(a))], -np.c_[b, np.ones(len(b))]])
    sides /= np.abs(sides).max(axis=0)
    found = linprog(np.zeros(sides.shape[1]), A_ub=sides, b_ub=-np.full(len(sides), 1e-6),
                    bounds=[(None, None)] * sides.shape[1])
    return found.status == 0


# --- occlusion -----------------------------------------------------------------------------


@pytest.mark.parametrize('percent', [0, 10, 35, 70])
def test_the_asked_share_is_hidden_and_nothing_is_moved(pair, percent):
    perturbed = hidden(pair, percent, rng())
    assert len(perturbed.target) == round(len(pair.target) * (1 - percent / 100))
    assert {tuple(p) for p in perturbed.target.tolist()} <= {
        tuple(p) for p in pair.target.tolist()}
    assert np.array_equal(perturbed.source, pair.source)
    assert np.array_equal(perturbed.T_target_source, pair.T_target_source)
    assert perturbed.name == pair.name


def test_a_straight_line_in_the_image_parts_the_hidden_side_of_a_view(view_pair):
    assert seen_from_outside(view_pair.target)
    left, gone = split(view_pair, hidden(view_pair, 40, rng()))
    image = [part[:, :2] / part[:, 2:] for part in (left, gone)]
    assert separable(*image)
    scattered = rng().permutation(np.concatenate(image))
    assert not separable(scattered[:900], scattered[900:])


def test_in_place_of_the_hidden_side_the_camera_sees_what_hides_it(view_pair, surface_pair):
    perturbed = hidden(view_pair, 40, rng())
    _, gone = split(view_pair, perturbed)
    assert len(perturbed.scene_points) == len(gone)
    assert cKDTree(perturbed.scene_points).query(0.8 * gone)[0].max() < 1e-6
    assert len(hidden(view_pair, 0, rng()).scene_points) == 0
    assert hidden(surface_pair, 40, rng()).scene_points is None


def test_a_plane_parts_the_missing_side_of_a_whole_surface(surface_pair):
    assert not seen_from_outside(surface_pair.target)
    left, gone = split(surface_pair, hidden(surface_pair, 40, rng()))
    assert separable(left, gone)


def test_the_hidden_side_grows_from_level_to_level_and_follows_the_seed(pair):
    sides = [split(pair, hidden(pair, percent, rng()))[1] for percent in (20, 50)]
    assert {tuple(point) for point in sides[0]} < {tuple(point) for point in sides[1]}
    other = split(pair, hidden(pair, 20, rng(1)))[1]
    assert {tuple(point) for point in sides[0]} != {tuple(point) for point in other}


def test_sides_come_from_all_directions(surface_pair):
    middles = [split(surface_pair, hidden(surface_pair, 30, rng(seed)))[1].mean(axis=0)
               for seed in range(40)]
    assert (np.ptp(np.sign(middles), axis=0) == 2).all()


# --- noise ---------------------------------------------------------------------------------


def test_noise_of_a_view_goes_along_the_rays(view_pair):
    perturbed = noisy(view_pair, 2, rng())
    before, after = (points / np.linalg.norm(points, axis=1, keepdims=True)
                     for points in (view_pair.target, perturbed.target))
    assert np.allclose(before, after, atol=1e-5)
    ranges = [np.linalg.norm(points, axis=1) for points in (view_pair.target, perturbed.target)]
    longest = max(np.linalg.norm(view_pair.source - point, axis=1).max()
                  for point in view_pair.source)
    assert np.std(ranges[1] - ranges[0]) == pytest.approx(0.02 * longest, rel=0.1)


def test_noise_of_a_whole_surface_is_the_same_in_all_directions(surface_pair):
    change = noisy(surface_pair, 2, rng()).target - surface_pair.target
    longest = max(np.linalg.norm(surface_pair.source - p, axis=1).max()
                  for p in surface_pair.source)
    assert np.allclose(change.std(axis=0), 0.02 * longest, rtol=0.1)
    assert np.abs(np.corrcoef(change.T) - np.eye(3)).max() < 0.1


def test_more_noise_is_more_of_the_same(pair):
    assert np.allclose(noisy(pair, 0, rng()).target, pair.target)
    one, three = (noisy(pair, percent, rng()).target - pair.target for percent in (1, 3))
    assert np.allclose(3 * one, three, atol=1e-5)


# --- number of points ----------------------------------------------------------------------


def test_few_points_are_a_sample_without_repeats(pair):
    perturbed = fewer(pair, 128, rng())
    assert len(perturbed.target) == len(np.unique(perturbed.target, axis=0)) == 128
    assert {tuple(p) for p in perturbed.target.tolist()} <= {
        tuple(p) for p in pair.target.tolist()}
    spread = [np.ptp(points, axis=0) for points in (perturbed.target, pair.target)]
    assert (spread[0] > 0.7 * spread[1]).all()


# --- misalignment --------------------------------------------------------------------------


@pytest.mark.parametrize('angle_deg', [0.0, 15.0, 90.0, 179.0, 180.0])
def test_the_misalignment_is_exact_and_the_pose_is_still_true(pair, angle_deg):
    perturbed = misaligned(pair, angle_deg, rng())
    assert apart_deg(perturbed.T_target_source, np.eye(4)) == pytest.approx(angle_deg, abs=1e-4)
    back = [transform(np.linalg.inv(one.T_target_source), one.target)
            for one in (pair, perturbed)]
    assert np.allclose(*back, atol=1e-6)
    assert np.array_equal(perturbed.source, pair.source)


def test_a_rotated_view_is_still_what_a_camera_at_the_origin_sees(view_pair):
    rotated = misaligned(view_pair, 120, rng()).target
    assert seen_from_outside(rotated)
    assert np.allclose(np.linalg.norm(rotated, axis=1), np.linalg.norm(view_pair.target, axis=1))


def test_axes_of_misalignment_are_spread():
    pair = PosePair(source=whole('mug', 50), target=whole('mug', 50), T_target_source=np.eye(4))
    axes = np.array([Rotation.from_matrix(misaligned(pair, 90, rng(seed)).T_target_source[:3, :3])
                     .as_rotvec() for seed in range(300)]) / (np.pi / 2)
    assert np.abs(axes.mean(axis=0)).max() < 0.12
    assert np.allclose((axes ** 2).mean(axis=0), 1 / 3, atol=0.06)


# --- levels out of range -------------------------------------------------------------------


@pytest.mark.parametrize(('perturb', 'level', 'words'), [
    (hidden, -1, 'hidden share = -1 %'), (hidden, 100, r'must lie in \[0, 95\]'),
    (hidden, float('nan'), 'hidden share'), (noisy, -0.5, 'noise'), (fewer, 5, '5 points'),
    (fewer, 10 ** 6, 'number of points'), (misaligned, 181, '181 degrees'),
    (misaligned, -1, r'\[0, 180\]')])
def test_levels_out_of_range_are_refused(surface_pair, perturb, level, words):
    with pytest.raises(ConfigError, match=words):
        perturb(surface_pair, level, rng())
