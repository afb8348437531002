"""Neighbouring segments that may be one object."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.spatial import cKDTree

from pointpng_core.geometry.clouds import random_points
from pointpng_core.segmentation.segmenter import Segment

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
