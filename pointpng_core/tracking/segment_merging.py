"""Objects that segmentation took apart: a union of neighbours that one reference explains better.

A crease between the body and the battery of a drill looks like one between two objects, and an
occluder cuts what is behind it in two. Shape alone cannot tell; recognition can.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.spatial import cKDTree

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.clouds import random_points
from pointpng_core.segmentation import Segment

Group = tuple[int, ...]

SAMPLE = 400
"""Points of a segment that its distance to others is measured with."""


def candidate_groups(segments: Sequence[Segment], doubtful: Sequence[bool], *, gap_m: float,
                     largest_m: float) -> list[Group]:
    """Return groups of two or three segments that may be one object, as indices.

    A group hangs together over gaps below `gap_m`, has a doubtful member, and is no longer than
    `largest_m`, the diameter of the largest reference.
    """
    few = [random_points(segment.points, min(SAMPLE, len(segment.points)))
           for segment in segments]
    trees = [cKDTree(points) for points in few]
    touching = {(a, b) for a, b in combinations(range(len(segments)), 2)
                if trees[a].query(few[b])[0].min() < gap_m}
    groups = []
    for size in (2, 3):
        for group in combinations(range(len(segments)), size):
            links = sum(pair in touching for pair in combinations(group, 2))
            if links >= size - 1 and any(doubtful[index] for index in group):
                points = np.concatenate([few[index] for index in group])
                if np.ptp(points, axis=0).max() <= largest_m:
                    groups.append(group)
    return groups


def union(segments: Sequence[Segment]) -> Segment:
    """Return one segment with the points of all."""
    return Segment(points=np.concatenate([segment.points for segment in segments]),
                   indices=np.concatenate([segment.indices for segment in segments]))


def better_groups(segments: Sequence[Segment], estimates: Sequence[list[PoseEstimate]],
                  groups: Sequence[Group], joint: Sequence[list[PoseEstimate]], *,
                  least_confidence: float) -> list[int]:
    """Return which groups explain more points than their parts do, best first, none overlapping.

    What a pose explains is its score times its points; one that is less sure explains nothing.
    """
    def explained(found: list[PoseEstimate], size: int) -> float:
        return found[0].score * size \
            if found and found[0].confidence >= least_confidence else 0.0

    sizes = [len(segment.points) for segment in segments]
    gains = [explained(found, sum(sizes[index] for index in group))
             - sum(explained(estimates[index], sizes[index]) for index in group)
             for group, found in zip(groups, joint)]
    chosen: list[int] = []
    used: set[int] = set()
    for index in sorted(range(len(gains)), key=lambda index: -gains[index]):
        if gains[index] > 0 and used.isdisjoint(groups[index]):
            used.update(groups[index])
            chosen.append(index)
    return chosen
