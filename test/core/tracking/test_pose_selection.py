"""When a tracked pose is kept, and which of several poses as good is taken."""

from dataclasses import replace

from helpers.objects import boxes, pose, random_rotation_matrix
from helpers.tracking import PLACE, estimate, perturbed
import numpy as np
from scipy.spatial.transform import Rotation

from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.tracking.pose_selection import kept, nearest_comparable


def test_a_tracked_pose_is_kept_unless_another_explains_clearly_more():
    T = pose(t=PLACE)
    tracked = estimate(T, 0.8)
    assert kept(tracked, [estimate(np.eye(4), 0.85)], hysteresis_ratio=0.93).score == 0.8
    assert kept(tracked, [estimate(np.eye(4), 0.87)], hysteresis_ratio=0.93) is None
    assert kept(tracked, [estimate(np.eye(4), 0.95, name='can')], hysteresis_ratio=0.93) is None
    assert kept(tracked, [], hysteresis_ratio=0.93) is tracked
    flagged = replace(estimate(np.eye(4), 0.85), ambiguous=True)
    assert kept(tracked, [flagged], hysteresis_ratio=0.93).ambiguous


def test_the_nearest_of_comparable_poses_is_returned(reference):
    model = reference('drill')
    T = pose(random_rotation_matrix(1), PLACE)
    flip = T @ pose(Rotation.from_rotvec([0, 0, np.pi]).as_matrix())
    found = [estimate(flip, 0.90, others=[(T, 0.86), (perturbed(T, 9, 0, model), 0.88)])]
    best = nearest_comparable(found, model, T, hysteresis_ratio=0.93)
    assert np.allclose(best.T_observation_reference, T)
    assert (best.score, best.runners_up[0].score, len(best.runners_up)) == (0.86, 0.90, 2)
    strict = nearest_comparable(found, model, T, hysteresis_ratio=0.99)
    assert np.allclose(strict.T_observation_reference, flip)
    other = [estimate(flip, 0.9, name='can'), *found]
    assert nearest_comparable(other, replace(model, name='x'), T, hysteresis_ratio=0.93) is None
    assert nearest_comparable(other, model, T, hysteresis_ratio=0.93) is not None


def test_the_nearest_pose_is_found_up_to_symmetry(estimator):
    square = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=4, point=(0.05, 0.05, 0)),))
    model = estimator.reference_from_model(boxes(((0, 0, 0), (0.1, 0.1, 0.2))), name='block',
                                           symmetry=square)
    T = pose(random_rotation_matrix(1), PLACE)
    quarter = T @ square.transforms()[1]
    best = nearest_comparable([estimate(quarter, name='block')], model, T, hysteresis_ratio=0.9)
    assert np.allclose(best.T_observation_reference, T, atol=1e-9)
