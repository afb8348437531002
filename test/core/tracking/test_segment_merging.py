"""Candidate groups of segments, and when one object explains a group better than its parts."""

import itertools

import numpy as np
import pytest

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.segment_merging import better_groups, candidate_groups, union


def block(x, size=0.04, count=300, first=0):
    """Points of a cube whose low corner lies at (x, 0, 1)."""
    points = np.random.default_rng(first).uniform(0, size, (count, 3)) + np.array([x, 0, 1])
    return Segment(points=points.astype(np.float32), indices=np.arange(first, first + count))


def estimate(score):
    return [PoseEstimate(T_observation_reference=np.eye(4), score=score, residual_m=0.0,
                         confidence=score, inlier_share=score, name='x', ambiguous=False)]


def groups(places, doubtful=None, gap_m=0.02, largest_m=1.0):
    segments = [block(x, first=1000 * index) for index, x in enumerate(places)]
    doubtful = [True] * len(places) if doubtful is None else doubtful
    return set(candidate_groups(segments, doubtful, gap_m=gap_m, largest_m=largest_m))


def test_neighbours_are_candidates_and_distant_segments_are_not():
    assert groups([0, 0.05, 0.3]) == {(0, 1)}
    assert groups([0, 0.05, 0.3], gap_m=0.001) == set()


def test_a_chain_of_three_is_a_candidate_but_a_pair_and_a_distant_segment_is_not():
    assert groups([0, 0.05, 0.10]) == {(0, 1), (1, 2), (0, 1, 2)}
    assert groups([0, 0.05, 0.5]) == {(0, 1)}


def test_the_nearest_groups_come_first():
    segments = [block(x, first=1000 * index) for index, x in enumerate((0, 0.06, 0.105, 0.155))]
    found = list(candidate_groups(segments, [True] * 4, gap_m=0.05, largest_m=1.0))
    assert found[:3] == [(1, 2), (2, 3), (1, 2, 3)]
    assert set(found) == {(1, 2), (2, 3), (1, 2, 3), (0, 1), (0, 1, 2)}


def test_groups_without_a_doubtful_segment_are_no_candidates():
    assert groups([0, 0.05, 0.10], doubtful=[False] * 3) == set()
    assert groups([0, 0.05, 0.10], doubtful=[True, False, False]) == {(0, 1), (0, 1, 2)}


def test_no_group_is_longer_than_the_largest_reference():
    assert groups([0, 0.05, 0.10], largest_m=0.1) == {(0, 1), (1, 2)}
    assert groups([0, 0.05, 0.10], largest_m=0.05) == set()


def test_a_segment_and_a_part_of_it_are_no_candidates():
    whole, neighbour = block(0, first=0), block(0.05, first=1000)
    part = Segment(points=whole.points[:100], indices=whole.indices[:100])
    found = candidate_groups([whole, neighbour, part], [True] * 3, gap_m=0.05, largest_m=1.0)
    assert set(found) == {(0, 1), (1, 2)}


def test_fewer_than_two_segments_have_no_candidates():
    assert groups([]) == set()
    assert groups([0.0]) == set()


def test_a_union_has_the_points_and_rows_of_all():
    parts = [block(0, first=0), block(0.05, count=100, first=300), block(0.1, count=7, first=900)]
    joined = union(parts)
    assert len(joined.points) == len(joined.indices) == 407
    for part in parts:
        rows = np.isin(joined.indices, part.indices)
        assert np.array_equal(joined.points[rows], part.points)


def chosen(scores, groups, joint, sizes=None, min_confidence=0.5):
    sizes = sizes or [100] * len(scores)
    segments = [block(0, count=size) for size in sizes]
    return better_groups(segments, [estimate(score) if score else [] for score in scores], groups,
                         [estimate(score) if score else [] for score in joint],
                         min_confidence=min_confidence)


def test_a_union_has_to_explain_more_than_its_parts():
    pair = [(0, 1)]
    assert chosen([0.6, 0.6], pair, [0.7]) == [0]
    assert chosen([0.8, 0.8], pair, [0.7]) == []
    assert chosen([0.7, 0.7], pair, [0.7]) == []
    assert chosen([0.4, 0.4], pair, [0.55]) == [0]  # the parts alone would not be accepted
    assert chosen([0.4, 0.4], pair, [0.45]) == []  # neither would the union
    assert chosen([0.0, 0.6], pair, [0.0]) == []


def test_large_parts_count_for_more():
    assert chosen([0.9, 0.2], [(0, 1)], [0.6], sizes=[100, 10]) == []
    assert chosen([0.9, 0.2], [(0, 1)], [0.6], sizes=[100, 100]) == [0]


def test_the_better_of_overlapping_unions_is_chosen():
    assert chosen([0.4, 0.4, 0.4], [(0, 1), (1, 2)], [0.6, 0.9]) == [1]
    assert chosen([0.4] * 3, [(0, 1), (1, 2), (0, 1, 2)], [0.8, 0.8, 0.8]) == [2]
    assert sorted(chosen([0.4] * 4, [(0, 1), (1, 2), (2, 3)], [0.7, 0.6, 0.7])) == [0, 2]


@pytest.mark.parametrize('seed', range(5))
def test_chosen_unions_never_share_a_segment(seed):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(range(6), 2)) + list(itertools.combinations(range(6), 3))
    found = chosen(list(rng.uniform(0.3, 0.7, 6)), pairs, list(rng.uniform(0.3, 1, len(pairs))))
    members = [member for index in found for member in pairs[index]]
    assert len(members) == len(set(members))
    assert found
