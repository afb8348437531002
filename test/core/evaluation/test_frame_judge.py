"""Right, near, false and second poses, and why targets are lost: known by construction."""

from helpers.bop_frames import answer, prediction
from helpers.objects import boxes, pose, random_rotation_matrix
import numpy as np
import pytest

from pointpng_core.evaluation.frames.answer import LOW_CONFIDENCE
from pointpng_core.evaluation.frames.judge import judge
from pointpng_core.evaluation.frames.losses import losses
from pointpng_core.evaluation.frames.surface import Surface
from pointpng_core.evaluation.frames.truth import Truth
from pointpng_core.evaluation.pose.metrics import add_s

L_SHAPE = boxes(((0, 0, 0), (0.1, 0.03, 0.02)), ((0, 0, 0), (0.03, 0.08, 0.02)))
CUBE = boxes(((-0.03, -0.03, -0.03), (0.03, 0.03, 0.03)))
SURFACES = {'l': Surface(L_SHAPE, 0.13), 'cube': Surface(CUBE, 0.104)}
T_TRUE = pose(random_rotation_matrix(1), (0.1, 0.0, 0.8))


def truth(label='l', T=T_TRUE, *, target=True, mask=None):
    return Truth(label=label, T_camera_object=T, visible_fraction=None, target=target,
                 mask=None if mask is None else np.array(mask))


def shifted(metres, T=T_TRUE):
    return pose(T[:3, :3], T[:3, 3] + [metres, 0.0, 0.0])


def verdicts(predictions, truths):
    return list(judge(predictions, truths, SURFACES).verdicts)


@pytest.mark.parametrize(('found', 'expected'), [
    (prediction('l', T_TRUE), 'right'), (prediction('cube', T_TRUE), 'false'),
    (prediction('l', shifted(0.3)), 'false'),
    (prediction('l', T_TRUE, outcome=LOW_CONFIDENCE), None)])
def test_one_pose_of_one_object(found, expected):
    assert verdicts([found], [truth()]) == [expected]


def test_between_right_and_false_a_pose_is_near():
    steps = np.linspace(0.0, 0.04, 41)
    distances = [SURFACES['l'].add_s(shifted(step), T_TRUE) for step in steps]
    assert (np.diff(distances) > 0).all()
    assert distances[0] < 0.01
    found = [verdicts([prediction('l', shifted(step))], [truth()])[0] for step in steps]
    assert found == ['right' if value < 0.05 else 'near' if value < 0.1 else 'false'
                     for value in distances]
    assert set(found) == {'right', 'near', 'false'}


def test_a_symmetric_object_is_right_in_every_equivalent_pose():
    R_quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    T = pose(T_TRUE[:3, :3] @ R_quarter, T_TRUE[:3, 3])
    assert SURFACES['cube'].add_s(T, T_TRUE) < 0.01
    assert verdicts([prediction('cube', T)], [truth('cube')]) == ['right']
    assert verdicts([prediction('l', T)], [truth()]) != ['right']


def test_a_second_pose_of_an_object_is_neither_right_nor_false():
    both = [prediction('l', T_TRUE, 0.8), prediction('l', shifted(0.001), 0.9)]
    assert verdicts(both, [truth()]) == ['duplicate', 'right']
    assert verdicts(both, [truth(), truth()]) == ['right', 'right']


def test_the_most_confident_pose_is_matched_first_and_with_the_nearest_object():
    left, right = truth(T=shifted(-0.003)), truth(T=shifted(0.003))
    judgement = judge([prediction('l', shifted(0.003), 0.9)], [left, right], SURFACES)
    assert judgement.found.tolist() == [False, True]
    judgement = judge([prediction('l', shifted(0.002), 0.7), prediction('l', shifted(0.003), 0.9)],
                      [left, right], SURFACES)
    assert judgement.verdicts == ('right', 'right')


def test_a_right_pose_of_an_object_that_is_no_target_does_not_count():
    assert verdicts([prediction('l', T_TRUE)], [truth(target=False)]) == ['not_a_target']
    assert verdicts([prediction('l', T_TRUE)], []) == ['false']


def test_add_s_is_that_of_the_other_benchmarks_but_for_the_choice_of_points():
    for name, surface in SURFACES.items():
        for step in (0.0, 0.004, 0.02, 0.1):
            expected = add_s(surface.points[::4], shifted(step), T_TRUE) / surface.diameter_m
            assert surface.add_s(shifted(step), T_TRUE) == pytest.approx(expected, abs=0.01), name


def naive_judge(predictions, truths):
    """The same rules, one pose after the other."""
    def distance(found, true):
        return SURFACES[true.label].add_s(found.T_camera_object, true.T_camera_object)
    free, result = list(truths), {}
    for found in sorted(predictions, key=lambda each: -each.confidence):
        own = [true for true in truths if true.label == found.label]
        left = [true for true in free if true.label == found.label]
        if left and min(distance(found, true) for true in left) < 0.05:
            free.remove(min(left, key=lambda true: distance(found, true)))
            result[id(found)] = 'right'
        elif any(distance(found, true) < 0.05 for true in own):
            result[id(found)] = 'duplicate'
        else:
            near = any(distance(found, true) < 0.1 for true in own)
            result[id(found)] = 'near' if near else 'false'
    return [result[id(found)] for found in predictions]


def test_a_naive_twin_says_the_same():
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(12):
        truths = [truth(label, shifted(x)) for label, x in
                  zip(random.choice(['l', 'cube'], 4), random.uniform(-0.05, 0.05, 4))]
        predictions = [prediction(label, shifted(x), confidence) for label, x, confidence in zip(
            random.choice(['l', 'cube'], 6), random.uniform(-0.08, 0.08, 6), random.random(6))]
        expected = naive_judge(predictions, truths)
        assert verdicts(predictions, truths) == expected
        seen.update(expected)
    assert seen == {'right', 'near', 'duplicate', 'false'}


# --- what was lost where ---------------------------------------------------------------------

MASK = list(range(100))
OTHER = list(range(200, 300))
HALF = list(range(40, 120))
"""Its IoU with MASK is exactly .5: 60 shared rows of 120."""


def loss(*predictions, others=(), **options):
    truths = [truth(mask=MASK, **options)]
    found = answer(*predictions, others=others)
    return losses(truths, found, judge(found.predictions, truths, SURFACES))[0]


def test_why_a_target_was_lost():
    away = shifted(0.3)
    assert loss() == 'no_segment'
    assert loss(prediction('l', away, rows=OTHER)) == 'no_segment'
    assert loss(prediction('l', away, rows=HALF)) == 'wrong_pose'
    assert loss(prediction('l', away, rows=HALF[1:])) == 'no_segment'
    assert loss(prediction('cube', T_TRUE, rows=MASK)) == 'mistaken_label'
    assert loss(prediction('cube', T_TRUE, rows=HALF), prediction('l', away, rows=MASK)) \
        == 'wrong_pose'
    assert loss(prediction('l', T_TRUE, 0.4, LOW_CONFIDENCE, MASK)) == 'rejected'
    assert loss(others=[OTHER, MASK]) == 'not_posed'
    assert loss(prediction('l', away, rows=OTHER), others=[MASK]) == 'not_posed'


def test_a_right_pose_that_was_rejected_counts_whatever_its_segment():
    assert loss(prediction('cube', T_TRUE, rows=MASK),
                prediction('l', T_TRUE, 0.1, LOW_CONFIDENCE, OTHER)) == 'rejected'


def test_what_was_found_or_is_no_target_is_not_lost():
    assert loss(prediction('l', T_TRUE, rows=OTHER)) is None
    assert loss(target=False) is None
    found = answer()
    truths = [truth()]
    assert losses(truths, found, judge((), truths, SURFACES)) == ['no_mask']
