"""Matching and average recall of BOP: cases done by hand, and a naive twin."""

import numpy as np
import pytest

from pointpng_core.evaluation.pose.bop_recall import (
    MSPD_THRESHOLDS,
    MSSD_THRESHOLDS,
    UNMATCHED,
    VSD_TOLERANCES,
    PairErrors,
    average_recall,
    match_greedily,
    most_visible,
)

GOOD, BAD = 0.01, 9.0


def pair(scores, errors, targets=None, vsd=True):
    """Return errors where all three measures are the same number."""
    errors = np.array(errors, dtype=float).reshape(len(scores), -1)
    return PairErrors(
        scores=np.array(scores, dtype=float), mssd=errors, mspd=100 * errors,
        vsd=np.repeat(errors[..., None], len(VSD_TOLERANCES), axis=2) if vsd else None,
        targets=np.ones(errors.shape[1], bool) if targets is None else np.array(targets))


def test_the_thresholds_are_those_of_bop19():
    np.testing.assert_allclose(MSSD_THRESHOLDS, np.arange(0.05, 0.51, 0.05))
    np.testing.assert_allclose(VSD_TOLERANCES, np.arange(0.05, 0.51, 0.05))
    np.testing.assert_allclose(MSPD_THRESHOLDS, np.arange(5, 51, 5))


def test_the_most_confident_estimate_chooses_first():
    errors, both = np.array([[0.1, 0.2], [0.05, 0.3]]), np.ones(2, dtype=bool)
    assert match_greedily(errors, np.array([0.9, 0.5]), 0.4, both).tolist() == [0, 1]
    assert match_greedily(errors, np.array([0.5, 0.9]), 0.4, both).tolist() == [1, 0]
    assert match_greedily(errors, np.array([0.9, 0.5]), 0.25, both).tolist() == [0, UNMATCHED]


def test_an_error_at_the_threshold_is_no_match():
    matched = match_greedily(np.array([[0.4]]), np.array([1.0]), 0.4, np.ones(1, dtype=bool))
    assert matched.tolist() == [UNMATCHED]


def test_true_poses_that_are_not_asked_for_are_not_matched():
    errors = np.array([[0.1, 0.2]])
    assert match_greedily(errors, np.array([1.0]), 0.4, np.array([False, True])).tolist() == [1]


def test_nothing_to_match():
    none, both = np.ones(0, dtype=bool), np.ones(2, dtype=bool)
    assert match_greedily(np.empty((2, 0)), np.ones(2), 0.4, none).tolist() == [UNMATCHED] * 2
    assert match_greedily(np.empty((0, 2)), np.ones(0), 0.4, both).tolist() == []
    assert average_recall([]).average == 0


def test_most_visible_objects_are_the_targets():
    assert most_visible(np.array([0.2, 0.9, 0.5]), 2).tolist() == [False, True, True]


def test_recall_is_the_share_of_targets_averaged_over_thresholds():
    recall = average_recall([pair([0.9], [[0.22]]), pair([0.8], [[BAD]])])
    # .22 is below six of the ten thresholds .25 to .5, for one of two targets
    assert (recall.mssd, recall.mspd, recall.vsd) == pytest.approx((0.3, 0.3, 0.3))
    assert recall.average == pytest.approx(0.3)
    assert recall.targets == 2


def test_an_image_without_estimates_counts_its_targets():
    missed = PairErrors(scores=np.empty(0), mssd=np.empty((0, 3)), mspd=np.empty((0, 3)),
                        vsd=np.empty((0, 3, 10)), targets=np.array([True, True, False]))
    recall = average_recall([missed, pair([1], [[GOOD]])])
    assert recall.targets == 3
    assert recall.average == pytest.approx(1 / 3)


def test_only_as_many_estimates_as_targets_count():
    late = pair([0.9, 0.1], [[BAD], [GOOD]])
    assert average_recall([late]).average == 0
    assert average_recall([pair([0.1, 0.9], [[BAD], [GOOD]])]).average == 1


def test_without_surfaces_there_is_no_vsd():
    recall = average_recall([pair([1], [[GOOD]], vsd=False), pair([1], [[GOOD]])])
    assert (recall.mssd, recall.vsd, recall.average) == (1, None, None)


def naive_recall(pairs, name, thresholds):
    """Return the average recall of one measure, step by step as the benchmark's text says."""
    recalls = []
    for threshold in thresholds:
        found, asked = 0, 0
        for one in pairs:
            wanted = [g for g in range(len(one.targets)) if one.targets[g]]
            asked += len(wanted)
            order = sorted(range(len(one.scores)), key=lambda e, p=one: -p.scores[e])
            left = set(wanted)
            for e in order[:len(wanted)]:
                near = [(getattr(one, name)[e, g], g) for g in left
                        if getattr(one, name)[e, g] < threshold]
                if near:
                    left.remove(min(near)[1])
                    found += 1
        recalls.append(found / asked)
    return np.mean(recalls)


def test_average_recall_is_that_of_a_naive_twin():
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(40):
        estimates, truths = rng.integers(1, 6, 2)
        pairs.append(pair(rng.random(estimates), rng.random((estimates, truths)) * 0.8,
                          targets=rng.random(truths) < 0.7))
    recall = average_recall(pairs)
    assert recall.mssd == pytest.approx(naive_recall(pairs, 'mssd', MSSD_THRESHOLDS))
    assert recall.mspd == pytest.approx(naive_recall(pairs, 'mspd', MSPD_THRESHOLDS))
    assert recall.vsd == pytest.approx(recall.mssd)  # the same errors at every tolerance here
    assert 0.2 < recall.average < 0.9
