"""Estimates are well formed, whatever the input, and senseless input is refused."""

from helpers.objects import (
    apart_deg,
    boxes,
    moved,
    pose,
    random_rotation_matrix,
    view,
    whole,
)
from helpers.posed import seen
import numpy as np
import pytest

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimator import PoseEstimator

# --- what an estimate contains ----------------------------------------------------------------


def test_estimates_are_well_formed(estimator, reference):
    for name in ('can', 'mug', 'hammer'):
        for found in estimator.estimate(seen('mug', 3, noise=1.0)[1], [reference(name)]):
            for each in (found, *found.runners_up):
                T = each.T_observation_reference
                assert T.dtype == np.float64
                assert np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
                assert np.linalg.det(T[:3, :3]) == pytest.approx(1)
                assert T[3].tolist() == [0, 0, 0, 1]
                assert 0 <= each.score <= each.inlier_share + 1e-6 <= 1 + 1e-6
                assert each.residual_m >= 0
            scores = [found.score, *(each.score for each in found.runners_up)]
            assert scores == sorted(scores, reverse=True)
            assert found.stage_ms
            assert all(spent >= 0 for spent in found.stage_ms.values())


def test_runners_up_are_different_poses(estimator, reference):
    for name in ('drill', 'hammer', 'can', 'box'):
        found = estimator.estimate(seen(name, 3)[1], [reference(name)])[0]
        poses = [found.T_observation_reference,
                 *(each.T_observation_reference for each in found.runners_up)]
        for index, a in enumerate(poses):
            for b in poses[:index]:
                assert apart_deg(a, b) > 5 or np.linalg.norm((a - b)[:3, 3]) > 0.01


def test_without_scene_points_an_occluded_arm_leaves_two_poses(estimator):
    """The box of test_evidence: the arm that is not visible may be on either end."""
    body = ([-0.05, -0.035, -0.025], [0.05, 0.035, 0.025])
    armed = estimator.reference_from_model(
        boxes(body, ([0.05, -0.02, -0.015], [0.075, 0.02, 0.015])), name='armed')
    both = 0
    for seed in range(4):
        T = pose(random_rotation_matrix(seed), (0, 0, 0.6))
        best = estimator.estimate(view(boxes(body), T), [armed])[0]
        towards = [T[:3, 0] @ each.T_observation_reference[:3, 0]
                   for each in (best, *best.runners_up) if each.score > 0.85 * best.score]
        both += min(towards) < -0.9 and max(towards) > 0.9
    assert both >= 3


def test_a_cloud_like_nothing_still_gets_an_estimate(estimator, reference):
    points = np.random.default_rng(0).normal(size=(200, 3)) * 1e6
    assert len(estimator.estimate_batch([points], [reference('drill')])[0]) == 1


@pytest.mark.parametrize('viewpoint', ['auto', 'sensor', 'none'])
def test_points_at_one_place_are_refused(estimator, reference, viewpoint):
    for place in (0.0, 0.5):
        with pytest.raises(CloudError, match='points lie at'):
            estimator.estimate_batch([np.full((100, 3), place)], [reference('drill')],
                                     viewpoint=viewpoint)


@pytest.mark.parametrize('name', ['mug', 'spray', 'bracket'])
def test_full_surfaces_away_from_the_origin_are_posed_too(estimator, reference, name):
    """Their place would allow single views; how well they fit decides."""
    right = 0
    for seed in range(5):
        T = pose(random_rotation_matrix(seed), (0.1, 0.2, 0.9))
        best = estimator.estimate(moved(T, whole(name, 900, 4)), [reference(name)])[0]
        right += apart_deg(best.T_observation_reference, T) < 5
    assert right >= 4


# --- what cannot be answered ---------------------------------------------------------------


@pytest.mark.parametrize(('points', 'message'), [
    (np.zeros((0, 3)), 'observation 0: 0 finite points'),
    (np.full((500, 3), np.nan), '0 finite points of 500'),
    (np.random.default_rng(0).normal(size=(5, 3)), '5 finite points of 5'),
    (np.zeros((40, 2)), r'\(40, 2\): expected \(N, 3\)'),
    (np.zeros(30), r'\(30,\): expected \(N, 3\)'),
    (np.zeros((40, 3), complex), 'complex')],
    ids=['empty', 'all NaN', 'few', 'two columns', 'flat', 'complex'])
def test_clouds_that_determine_no_pose_are_refused(estimator, reference, points, message):
    with pytest.raises(CloudError, match=message):
        estimator.estimate(points, [reference('can')])


def test_the_cloud_at_fault_is_named(estimator, reference):
    with pytest.raises(CloudError, match='observation 1'):
        estimator.estimate_batch([seen('can')[1], np.zeros((3, 3))], [reference('can')])


@pytest.mark.parametrize('points', [
    np.linspace(0, 0.1, 100)[:, None] * [1, 0, 0] + [0, 0, 0.6],
    np.random.default_rng(0).uniform(-0.05, 0.05, (300, 3)) * [1, 1, 0] + [0, 0, 0.6],
    np.random.default_rng(0).normal(size=(200, 3)) * 1e6,
    np.random.default_rng(0).normal(size=(200, 3)) * 1e-9 + [0, 0, 1]],
    ids=['line', 'plane', 'huge', 'tiny'])
def test_clouds_of_something_else_give_finite_poses_or_none(estimator, reference, points):
    for found in estimator.estimate_batch([points], [reference('bracket')])[0]:
        assert np.isfinite(found.T_observation_reference).all()
        assert 0 <= found.score <= 1


def test_no_references_are_an_error_and_no_clouds_are_not(estimator, reference):
    with pytest.raises(ConfigError, match='no references'):
        estimator.estimate(seen('can')[1], [])
    assert estimator.estimate_batch([], [reference('can')]) == []


def test_devices_and_viewpoints_that_do_not_exist_are_refused(estimator, reference):
    with pytest.raises(ConfigError, match="device 'quantum'"):
        PoseEstimator(device='quantum')
    with pytest.raises(ConfigError, match='viewpoint'):
        EstimatorConfig(viewpoint='behind')
    with pytest.raises(ConfigError, match="viewpoint = 'behind': choose one of auto"):
        estimator.estimate_batch([seen('can')[1]], [reference('can')], viewpoint='behind')


def test_the_configuration_holds_the_viewpoint_as_a_plain_string(tmp_path):
    EstimatorConfig().to_yaml(tmp_path / 'estimator.yaml')
    read = EstimatorConfig.from_yaml(tmp_path / 'estimator.yaml')
    assert type(read.viewpoint) is str
    assert read.viewpoint == Viewpoint.AUTO
