"""Objects that segmentation took apart: a union of neighbours that one reference explains better.

A crease between the body and the battery of a drill looks like one between two objects, and an
occluder cuts what is behind it in two. Shape alone cannot tell; recognition can.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from pointpng_core.clouds import random_points
from pointpng_core.estimate import PoseEstimate
from pointpng_core.scene import Segment

SAMPLE = 400
"""Points of a segment that its distance to others is measured with."""


def neighbouring_pairs(segments: Sequence[Segment], doubtful: Sequence[bool], *, gap_m: float,
                       largest_m: float) -> list[tuple[int, int]]:
    """Return pairs of segments less than `gap_m` apart, one of them doubtful, that fit an object.

    `largest_m` is the diameter of the largest reference: no union may be longer than that.
    """
    few = [random_points(segment.points, min(SAMPLE, len(segment.points)))
           for segment in segments]
    trees = [cKDTree(points) for points in few]
    pairs = []
    for first in range(len(segments)):
        for second in range(first + 1, len(segments)):
            if not (doubtful[first] or doubtful[second]):
                continue
            both = np.concatenate((few[first], few[second]))
            if np.ptp(both, axis=0).max() <= largest_m and _gap(trees[first], few[second]) < gap_m:
                pairs.append((first, second))
    return pairs


def union(first: Segment, second: Segment) -> Segment:
    """Return one segment with the points of both."""
    return Segment(points=np.concatenate((first.points, second.points)),
                   indices=np.concatenate((first.indices, second.indices)))


def better_unions(segments: Sequence[Segment], estimates: Sequence[list[PoseEstimate]],
                  pairs: Sequence[tuple[int, int]], union_estimates: Sequence[list[PoseEstimate]],
                  *, least_score: float) -> list[int]:
    """Return which unions explain more points than their parts do, best first, none overlapping.

    What a pose explains is its score times its points; below `least_score` it explains nothing.
    """
    def explained(found: list[PoseEstimate], size: int) -> float:
        return found[0].score * size if found and found[0].score >= least_score else 0.0

    sizes = [len(segment.points) for segment in segments]
    gains = []
    for (first, second), found in zip(pairs, union_estimates):
        apart = explained(estimates[first], sizes[first]) + explained(estimates[second],
                                                                      sizes[second])
        gains.append(explained(found, sizes[first] + sizes[second]) - apart)
    chosen: list[int] = []
    used: set[int] = set()
    for index in sorted(range(len(gains)), key=lambda index: -gains[index]):
        if gains[index] > 0 and used.isdisjoint(pairs[index]):
            used.update(pairs[index])
            chosen.append(index)
    return chosen


def _gap(tree: cKDTree, points: np.ndarray) -> float:
    return float(tree.query(points)[0].min())
