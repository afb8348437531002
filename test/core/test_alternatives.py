"""Other poses and labels beside an estimate: carried along, kept, told apart."""

from dataclasses import replace

from core_worlds import pose, random_turn
import numpy as np
from scipy.spatial.transform import Rotation

from pointpng_core.alternatives import other_poses
from pointpng_core.estimate import Hypothesis, LabelHypothesis, PoseEstimate
from pointpng_core.symmetry import Rotational, Symmetry
from pointpng_core.tracking.choice import doubted, kept

PLACE = (0.05, -0.03, 0.6)
T = pose(random_turn(1), PLACE)
T_FLIPPED = T @ pose(Rotation.from_rotvec([0, 0, np.pi]).as_matrix())


def estimate(T_camera_reference, score=0.9, name='drill', others=()):
    return PoseEstimate(T_observation_reference=T_camera_reference, score=score, residual_m=0.001,
                        name=name, inlier_share=score, ambiguous=False, runners_up=tuple(
                            Hypothesis(T_observation_reference=T_other, score=own,
                                       residual_m=0.001, inlier_share=own)
                            for T_other, own in others))


def turned_deg(T_from, degrees, axis):
    return T_from @ pose(Rotation.from_rotvec(np.radians(degrees) * np.array(axis)).as_matrix())


def test_a_followed_pose_keeps_what_a_search_found_beside_it():
    tracked, searched = estimate(T, 0.8), estimate(T_FLIPPED, 0.85, others=[(T, 0.84)])
    same = kept(tracked, [searched], stay=0.93)
    assert [other.score for other in same.runners_up] == [0.85, 0.84]
    assert same.T_observation_reference is T


def test_a_contradicted_pose_is_ambiguous_beside_what_contradicts_it():
    tracked = estimate(T, 0.5)
    turned = doubted(tracked, [estimate(T_FLIPPED, 0.9)])
    assert (turned.ambiguous, [other.score for other in turned.runners_up]) == (True, [0.9])
    is_can = replace(estimate(T_FLIPPED, 0.9, name='can'), confidence=0.95)
    other = doubted(tracked, [is_can])
    assert other.ambiguous
    assert [(label.name, label.confidence) for label in other.other_labels] == [('can', 0.95)]
    assert (other.T_observation_reference is T, other.score) == (True, 0.5)


def test_rivals_move_along_with_the_object():
    label = LabelHypothesis(name='can', T_observation_reference=T_FLIPPED, confidence=0.2)
    before = replace(estimate(T, others=[(T_FLIPPED, 0.8)]), other_labels=(label,))
    T_moved = pose(random_turn(2), PLACE)
    after = before.carried(T_moved)
    assert after.T_observation_reference is T_moved
    for rival in (after.runners_up[0], after.other_labels[0]):
        assert np.allclose(np.linalg.inv(T_moved) @ rival.T_observation_reference,
                           np.linalg.inv(T) @ T_FLIPPED)
    assert (after.other_labels[0].name, after.runners_up[0].score) == ('can', 0.8)


def test_other_poses_are_the_clearly_different_ones_of_an_ambiguous_pose(reference):
    model = reference('drill')
    near, near_flipped = (turned_deg(start, 5, (1, 0, 0)) for start in (T, T_FLIPPED))
    found = replace(estimate(T, 0.9, others=[
        (near, 0.9), (T_FLIPPED, 0.89), (near_flipped, 0.88), (turned_deg(T, 90, (0, 1, 0)), 0.5)
    ]), ambiguous=True)
    others = other_poses(found, model)
    assert [other.score for other in others] == [0.89]
    assert others[0].T_observation_reference is T_FLIPPED
    assert other_poses(replace(found, ambiguous=False), model) == []
    half_turn = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=2),))
    assert other_poses(found, replace(model, symmetry=half_turn)) == []
