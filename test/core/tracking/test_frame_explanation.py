"""Refit: foreign points drop out, missing ones come in; duplicates are what others explain."""

from dataclasses import replace

from helpers.objects import apart_deg
from helpers.tracking import estimate, perturbed, visible
import numpy as np
import pytest

from pointpng_core.segmentation import Segment
from pointpng_core.tracking.explained_points import Foreground
from pointpng_core.tracking.frame_explanation import SURE, FrameExplanation, without_duplicates
from pointpng_core.tracking.measurement import Measurement


def split_drill(seed):
    """A pose, the points of a drill and of something beside it, and a segment of parts of both."""
    T, drill = visible('drill', seed)
    beside = drill + np.array([0.3, 0, 0], np.float32)
    points = np.concatenate((drill, beside))
    own = np.flatnonzero(drill[:, 0] < np.quantile(drill[:, 0], 0.7))
    rows = np.concatenate((own, len(drill) + np.arange(0, len(beside), 4)))
    return T, points, len(drill), Segment(points=points[rows], indices=rows)


def explanation(estimator, reference, points, judge=None):
    foreground = Foreground(points=points, indices=np.arange(len(points)),
                            sigma_m=np.full(len(points), 0.0012, np.float32))
    return FrameExplanation(estimator, [reference('drill')], points, foreground, judge=judge)


def refitted(estimator, reference, points, measurements, judge=None):
    return explanation(estimator, reference, points, judge).refit(measurements)


@pytest.mark.parametrize('seed', [1, 2, 3])
def test_foreign_points_drop_out_and_missing_ones_come_in(estimator, reference, seed):
    T, points, count, segment = split_drill(seed)
    T_found = perturbed(T, 3.0, 0.003, reference('drill'), seed)
    before = Measurement(segment=segment, estimate=estimate(T_found, 0.5), searched=True)
    after, = refitted(estimator, reference, points, [before])
    assert (after.segment.indices < count).all()
    assert len(after.segment.indices) > 0.9 * count > 1.2 * (segment.indices < count).sum()
    assert apart_deg(after.posed.T_observation_reference, T) < apart_deg(T_found, T)
    assert after.explained_points > before.explained_points
    assert after.searched


def test_a_refit_that_explains_less_is_not_taken(estimator, reference):
    T, points, _, segment = split_drill(1)
    best = Measurement(segment=segment, estimate=estimate(T, 1000.0), searched=True)
    assert refitted(estimator, reference, points, [best]) == [best]


def test_what_was_not_searched_is_doubtful_or_has_no_pose_is_left_alone(estimator, reference):
    T, points, count, segment = split_drill(1)
    away = T.copy()
    away[:3, 3] += 1.0
    whole = Segment(points=points[:count], indices=np.arange(count))
    alone = [Measurement(segment=segment, estimate=estimate(T, 0.5)),
             Measurement(segment=segment, estimate=estimate(T, 0.2), searched=True),
             Measurement(segment=segment, searched=True),
             Measurement(segment=segment, estimate=estimate(away, 0.5), searched=True),
             Measurement(segment=whole, estimate=estimate(T, 0.5), searched=True)]
    assert refitted(estimator, reference, points, alone) == alone


@pytest.mark.parametrize('better', [False, True])
def test_where_there_are_pixels_they_decide_on_a_refit(estimator, reference, better):
    T, points, _, segment = split_drill(1)
    found = replace(estimate(perturbed(T, 3.0, 0.003, reference('drill'), 1), 0.5), confidence=0.5)
    before = Measurement(segment=segment, estimate=found, searched=True)
    asked = []

    def judge(estimates):
        asked.append(estimates)
        return [replace(each, confidence=0.6 if better else 0.4) for each in estimates]
    after, = refitted(estimator, reference, points, [before], judge)
    (refit,), = asked
    assert refit is not found
    assert after.posed.confidence == (0.6 if better else 0.5)
    assert (after is before) != better


def test_the_rest_are_the_points_far_from_all_poses(estimator, reference):
    T, points, count, segment = split_drill(1)
    known = explanation(estimator, reference, points)
    assert np.array_equal(known.rest([]), np.arange(len(points)))
    unposed = Measurement(segment=segment, searched=True)
    assert np.array_equal(known.rest([unposed]), np.arange(len(points)))
    rest = known.rest([unposed, Measurement(segment=segment, estimate=estimate(T))])
    assert np.isin(np.arange(count, len(points)), rest).all()
    assert (rest < count).mean() < 0.01
    assert (np.diff(rest) > 0).all()


# --- duplicates ------------------------------------------------------------------------------


def measurement(rows, score=0.9, *, tracked=False, confidence=None):
    rows = np.asarray(rows)
    found = None if score is None else replace(
        estimate(np.eye(4), score), confidence=score / 2 if confidence is None else confidence)
    return Measurement(segment=Segment(points=np.zeros((len(rows), 3), np.float32), indices=rows),
                       estimate=found, tracked=tracked)


def random_measurements(seed):
    rng = np.random.default_rng(seed)
    return [measurement(rng.permutation(200)[:rng.integers(5, 80)],
                        None if rng.random() < 0.2 else rng.uniform(0.1, 1.0),
                        tracked=rng.random() < 0.2, confidence=rng.random()) for _ in range(12)]


def worth(each):
    return 0.0 if each.estimate is None \
        else each.estimate.score * len(each.segment.points) * each.estimate.confidence


def are_sure(measurements):
    return [each for each in measurements if each.estimate and each.estimate.confidence >= SURE]


def kept_naively(measurements):
    """The best one stays; of the others, those with half of their points to themselves."""
    left, kept, claimed = list(measurements), [], set()
    while left:
        tracked = [each for each in left if each.tracked]
        best = max(are_sure(tracked) or tracked or are_sure(left) or left, key=worth)
        rows = set(best.segment.indices.tolist())
        if 2 * len(rows & claimed) <= len(rows):
            claimed |= rows
            kept.append(best)
        left.remove(best)
    return [each for each in measurements if each in kept]


@pytest.mark.parametrize('seed', range(6))
def test_duplicates_are_those_that_a_naive_choice_drops(seed):
    measurements = random_measurements(seed)
    kept = without_duplicates(measurements, 200)
    assert kept == kept_naively(measurements)
    assert len(kept) < len(measurements)
    assert without_duplicates(kept, 200) == kept


def test_of_two_with_the_same_points_the_better_stays_and_a_tracked_one_before_it():
    rows = np.arange(50)
    worse, better, tracked = (measurement(rows, 0.6), measurement(rows, 0.8),
                              measurement(rows, 0.4, tracked=True))
    assert without_duplicates([worse, better], 100) == [better]
    assert without_duplicates([worse, better, tracked], 100) == [tracked]


def test_a_sure_pose_of_few_points_stays_before_doubtful_ones_of_many():
    many, few = measurement(np.arange(80), confidence=0.45), measurement(
        np.arange(25, 55), confidence=0.6)
    assert without_duplicates([many, few], 100) == [many, few]
    whole = measurement(np.arange(20, 60), confidence=0.6)
    assert without_duplicates([many, whole], 100) == [many, whole]
    larger = measurement(np.arange(20, 62), confidence=0.6)
    assert without_duplicates([many, larger], 100) == [larger]


def test_half_of_the_points_may_be_shared():
    first = measurement(np.arange(60))
    for start, kept in ((40, True), (39, False)):
        other = measurement(np.arange(start, start + 40), 0.5)
        assert without_duplicates([first, other], 100) == ([first, other] if kept else [first])
