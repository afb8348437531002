"""What moves the poses of the estimator, and what must not change them."""

from helpers.objects import (
    apart_deg,
    moved,
    pose,
    random_rotation_matrix,
    whole,
)
from helpers.posed import PLACE, assert_posed, scaled, seen
import numpy as np
import pytest

from pointpng_core.estimation.config import EstimatorConfig, SearchConfig, VerificationConfig
from pointpng_core.estimator import PoseEstimator
from pointpng_core.simulation.shapes.catalogue import make_object

NOISELESS = VerificationConfig.from_mapping(
    {key: 0.0 for key in VerificationConfig().to_mapping() if key.startswith('noise')})


def assert_same(first, second, *, degrees=0.05, metres=1e-4):
    """Two lists of estimates say the same."""
    assert [e.name for e in first] == [e.name for e in second]
    for a, b in zip(first, second):
        T_a, T_b = a.T_observation_reference, b.T_observation_reference
        assert apart_deg(T_a, T_b) < degrees
        assert np.abs((T_a - T_b)[:3, 3]).max() < metres
        assert a.score == pytest.approx(b.score, abs=2e-3)


# --- what must move with the input ---------------------------------------------------------


@pytest.mark.parametrize('name', ['bracket', 'drill'])
@pytest.mark.parametrize('seed', [20, 21])
def test_rotating_everything_about_the_camera_rotates_the_pose(estimator, reference, name, seed):
    _, points = seen(name)
    T_rotation = pose(random_rotation_matrix(seed))
    before = estimator.estimate(points, [reference(name)])[0]
    after = estimator.estimate(moved(T_rotation, points), [reference(name)])[0]
    assert_posed(after, T_rotation @ before.T_observation_reference, reference(name), degrees=0.5,
                 diameters=0.005)
    assert after.score == pytest.approx(before.score, abs=0.05)


def test_moving_a_full_surface_moves_the_pose(estimator, reference):
    points = moved(pose(random_rotation_matrix(5), (0.1, 0.2, 1.0)), whole('drill', 2000))
    before = estimator.estimate(points, [reference('drill')])[0]
    motion = pose(random_rotation_matrix(6), (0.5, -0.3, 0.8))
    after = estimator.estimate(moved(motion, points), [reference('drill')])[0]
    assert_posed(after, motion @ before.T_observation_reference, reference('drill'), degrees=0.5,
                 diameters=0.005)


@pytest.mark.parametrize('kind', ['view', 'full surface'])
@pytest.mark.parametrize('factor', [0.1, 10.0])
def test_a_pose_does_not_depend_on_the_unit(kind, factor):
    """Without a sensor's noise, which is in metres, ten times the size is ten times the shift."""
    estimator = PoseEstimator(config=EstimatorConfig(verification=NOISELESS))
    mesh = make_object('bracket').mesh
    T, points = seen('bracket')
    points = points if kind == 'view' else moved(T, whole('bracket', 1500))
    once = estimator.estimate(points, [estimator.reference_from_model(mesh, name='x')])[0]
    large = estimator.reference_from_model(scaled(mesh, factor), name='x')
    again = estimator.estimate(points * np.float32(factor), [large])[0]
    assert_posed(once, T, large, diameters=0.01 / factor)
    expected = once.T_observation_reference.copy()
    expected[:3, 3] *= factor
    assert_posed(again, expected, large, degrees=0.1, diameters=1e-3)
    assert again.residual_m == pytest.approx(factor * once.residual_m, rel=0.03)
    assert again.score == pytest.approx(once.score, abs=0.01)


def test_a_unit_ball_needs_no_scale(estimator):
    points = whole('drill', 3000)
    middle, radius = points.mean(axis=0), 0.17
    source = ((points - middle) / radius).astype(np.float32)
    target = ((whole('drill', 1024, seed=7) - middle) / radius).astype(np.float32)
    T = pose(random_rotation_matrix(9))
    model = estimator.reference_from_model(source, name='x')
    assert_posed(estimator.estimate(moved(T, target), [model])[0], T, model)


# --- what must not matter ------------------------------------------------------------------


def test_two_runs_agree_exactly(reference):
    _, points = seen('drill', 3, noise=1.0)
    runs = []
    for _ in range(2):
        fresh = PoseEstimator()
        model = fresh.reference_from_model(make_object('drill').mesh, name='drill')
        runs.append(fresh.estimate(points, [model])[0])
    assert np.array_equal(runs[0].T_observation_reference, runs[1].T_observation_reference)
    assert runs[0].score == runs[1].score
    assert [h.score for h in runs[0].runners_up] == [h.score for h in runs[1].runners_up]


def test_a_batch_says_what_single_calls_say(estimator, reference):
    references = [reference(name) for name in ('bracket', 'drill', 'can')]
    clouds = [seen('drill', 1)[1], seen('bracket', 1)[1], whole('bracket', 1200),
              moved(pose(t=PLACE), whole('drill', 900)), seen('drill', 3)[1][::3]]
    together = estimator.estimate_batch(clouds, references)
    assert len(together) == len(clouds)
    for cloud, found in zip(clouds, together):
        assert_same(found[:1], estimator.estimate(cloud, references)[:1])


def test_non_finite_rows_change_nothing(estimator, reference):
    _, points = seen('drill')
    at = np.linspace(0, len(points), 40).astype(int)
    holes = np.tile([[np.nan] * 3, [0, np.inf, 0], [-np.inf, 1, np.nan], [1, 1, np.nan]], (10, 1))
    dirty = np.insert(points, at, holes, axis=0)
    assert len(dirty) == len(points) + 40
    poses = [estimator.estimate(cloud, [reference('drill')])[0].T_observation_reference
             for cloud in (points, dirty)]
    assert np.array_equal(*poses)


def test_doubles_are_as_good_as_floats(estimator, reference):
    _, points = seen('bracket')
    assert_same(estimator.estimate(points, [reference('bracket')]),
                estimator.estimate(points.astype(np.float64), [reference('bracket')]))


def test_integers_are_coordinates_too(estimator):
    """A surface of some metres in whole metres: many of them are equal."""
    _, points = seen('bracket')
    model = estimator.reference_from_model(scaled(make_object('bracket').mesh, 70), name='x')
    rounded = (points * 70).round().astype(np.int16)
    assert_same(estimator.estimate(rounded, [model]),
                estimator.estimate(rounded.astype(np.float64), [model]))


def test_the_input_is_left_alone(estimator, reference):
    _, points = seen('bracket')
    before = points.copy()
    points.setflags(write=False)
    estimator.estimate(points, [reference('bracket')])
    assert np.array_equal(points, before)


# --- settings and the cache ----------------------------------------------------------------


@pytest.mark.parametrize('config', [
    EstimatorConfig(sample=128),
    EstimatorConfig(search=SearchConfig(hypotheses=6, in_plane_rotations=24)),
    EstimatorConfig(verification=VerificationConfig(refinement_candidates=0)),
    EstimatorConfig(verification=VerificationConfig(coarse_points=4096, fine_points=8192))],
    ids=['few points', 'few hypotheses', 'no refinement', 'more points than there are'])
def test_settings_change_the_effort_not_the_answer(config):
    estimator = PoseEstimator(config=config)
    model = estimator.reference_from_model(make_object('bracket').mesh, name='x')
    T, points = seen('bracket')
    assert_posed(estimator.estimate(points, [model])[0], T, model, degrees=3.0, diameters=0.02)


def test_a_reference_from_the_cache_poses_as_the_one_that_was_built(tmp_path):
    _, points = seen('bracket')
    poses = []
    for _ in range(2):
        estimator = PoseEstimator(cache_dir=tmp_path)
        model = estimator.reference_from_model(make_object('bracket').mesh, name='x')
        poses.append(estimator.estimate(points, [model])[0].T_observation_reference)
    assert np.abs(poses[0] - poses[1]).max() < 1e-6
    assert len(list(tmp_path.iterdir())) == 1
