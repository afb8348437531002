"""What else an object could be: other poses, other names, while searched and while followed."""

from dataclasses import replace

from helpers.objects import pose, random_rotation_matrix
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.estimation.types import Hypothesis, LabelHypothesis, PoseEstimate
from pointpng_core.estimation.uncertainty.ambiguity import other_poses
from pointpng_core.tracking.pose_selection import contradicted, kept, refined, with_alternatives

PLACE = (0.05, -0.03, 0.6)
T = pose(random_rotation_matrix(1), PLACE)


def turned(degrees):
    return T @ pose(Rotation.from_rotvec([0, 0, np.radians(degrees)]).as_matrix())


def second_best_pose(T_rival, score):
    return Hypothesis(T_observation_reference=T_rival, score=score, residual_m=0.001,
                      inlier_share=score)


def estimate(T_estimate, score=0.9, name='drill', *, alternatives=(), labels=(), ambiguous=True):
    return PoseEstimate(
        **vars(second_best_pose(T_estimate, score)), name=name, ambiguous=ambiguous, confidence=score,
        runners_up=tuple(alternatives), other_labels=tuple(
            LabelHypothesis(name=label, confidence=0.3, T_observation_reference=T_estimate)
            for label in labels))


def poses(hypotheses):
    return [each.T_observation_reference for each in hypotheses]


def test_other_poses_are_as_good_clearly_apart_and_told_once(reference):
    about = reference('drill').centre
    centred = pose(t=about) @ pose(Rotation.from_rotvec([0, 0, np.pi]).as_matrix()) \
        @ pose(t=-about)
    flip, near_flip = T @ centred, turned(3) @ centred
    found = estimate(T, alternatives=[second_best_pose(turned(4), 0.89), second_best_pose(flip, 0.88),
                                second_best_pose(near_flip, 0.87), second_best_pose(turned(90), 0.6)])
    others = other_poses(found, reference('drill'))
    assert len(others) == 1
    assert others[0].T_observation_reference is flip
    assert other_poses(replace(found, ambiguous=False), reference('drill')) == []


def test_the_best_rival_is_told_though_a_later_look_likes_it_less(reference):
    found = estimate(T, 0.9, alternatives=[second_best_pose(turned(90), 0.5), second_best_pose(turned(180), 0.6)])
    assert poses(other_poses(found, reference('drill'))) == [pytest.approx(turned(180))]


def test_without_a_clearly_other_pose_the_best_nearby_is_the_doubt(reference):
    near = contradicted(estimate(T, 0.7, ambiguous=False), [estimate(turned(9), 0.9)])
    assert poses(other_poses(near, reference('drill'))) == [pytest.approx(turned(9))]
    between = estimate(T, 0.9, alternatives=[second_best_pose(turned(-8), 0.85), second_best_pose(turned(9), 0.88)])
    assert poses(other_poses(between, reference('drill'))) == [pytest.approx(turned(9))]
    assert other_poses(estimate(T), reference('drill')) == []


def test_symmetric_equals_are_no_other_poses(reference):
    away = T @ pose(t=(0.05, 0, 0))
    found = estimate(T, name='can', alternatives=[second_best_pose(turned(90), 0.9), second_best_pose(away, 0.89)])
    assert poses(other_poses(found, reference('can'))) == [pytest.approx(away)]


def test_what_is_carried_keeps_its_rivals_where_they_were_beside_it():
    T_later = pose(random_rotation_matrix(2), (0.1, 0.2, 0.9))
    before = estimate(T, alternatives=[second_best_pose(turned(90), 0.8)], labels=['can'])
    after = before.carried(T_later)
    assert after.T_observation_reference is T_later
    relative = np.linalg.inv(T) @ turned(90)
    assert np.linalg.inv(T_later) @ poses(after.runners_up)[0] == pytest.approx(relative)
    assert poses(after.other_labels)[0] == pytest.approx(T_later)
    assert (after.name, after.score, after.other_labels[0].confidence) == ('drill', 0.9, 0.3)


def test_a_kept_pose_stands_beside_all_that_was_found():
    found = estimate(turned(90), 0.91, alternatives=[second_best_pose(turned(180), 0.9)], labels=['can'])
    same = kept(estimate(T, 0.9, ambiguous=False), [found], hysteresis_ratio=0.93)
    assert poses([same, *same.runners_up]) == [
        pytest.approx(each) for each in (T, turned(90), turned(180))]
    assert [label.name for label in same.other_labels] == ['can']


def test_a_contradicted_pose_tells_what_contradicts_it(reference):
    tracked = estimate(T, 0.7, ambiguous=False)
    flipped = contradicted(tracked, [estimate(turned(180), 0.9, labels=['can'])])
    assert flipped.ambiguous
    assert [label.name for label in flipped.other_labels] == ['can']
    assert poses(other_poses(flipped, reference('drill'))) == [pytest.approx(turned(180))]
    renamed = contradicted(tracked, [estimate(T, 0.9, 'can', labels=['mug'])])
    assert renamed.ambiguous
    assert [label.name for label in renamed.other_labels] == ['can', 'mug']
    assert renamed.other_labels[0].confidence == 0.9


@pytest.mark.parametrize(('name', 'degrees', 'same'), [
    ('drill', 8, True), ('drill', 60, False), ('can', 60, True)])
def test_the_same_pose_registered_better_is_no_contradiction(reference, name, degrees, same):
    tracked, model = estimate(T, 0.7, name), reference(name)
    better = refined(tracked, [estimate(turned(degrees), 0.9, name)], model)
    assert bool(better) == same
    if better:
        T_expected = T if name == 'can' else turned(degrees)
        assert better.T_observation_reference == pytest.approx(T_expected, abs=1e-9)
        assert better.score == 0.9
    assert refined(tracked, [estimate(T, 0.9, 'mug'), tracked], model) is None


def test_following_takes_rivals_and_names_over_from_the_search():
    searched = estimate(T, alternatives=[second_best_pose(turned(90), 0.9)], labels=['can'])
    followed = with_alternatives(estimate(turned(5), 0.8, ambiguous=False), searched)
    assert followed.ambiguous
    assert followed.score == 0.8
    assert (followed.runners_up, followed.other_labels) == (
        searched.runners_up, searched.other_labels)
