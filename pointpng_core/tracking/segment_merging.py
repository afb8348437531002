"""Merging of segments: neighbours that one reference explains better together than apart.

A crease between the body and the battery of a drill looks like one between two objects, and an
occluder splits the surface behind it in two. Shape alone cannot decide; recognition can.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.clouds import random_points
from pointpng_core.segmentation import Segment

Group = tuple[int, ...]
GAP_SAMPLE = 400
"""Number of points per segment for measuring the gap between two."""


def candidate_groups(segments: Sequence[Segment], doubtful: Sequence[bool], *, gap_m: float,
                     largest_m: float) -> Iterator[Group]:
    """Yield groups of two or three segments that may be one object, as indices.

    The segments of a group are connected over gaps below `gap_m`, at least one is doubtful, and
    their extent is at most `largest_m`, the diameter of the largest reference. They share no
    points: a segment and a part of it together would count those twice.
    """
    samples = [random_points(segment.points, min(GAP_SAMPLE, len(segment.points)))
               for segment in segments]
    gaps = _gaps(samples, gap_m)
    groups = []
    for size in (2, 3):
        for group in combinations(range(len(segments)), size):
            links = sorted(gaps[pair] for pair in combinations(group, 2) if pair in gaps)
            if len(links) >= size - 1 and (all if ALL else any)(doubtful[index] for index in group):
                points = np.concatenate([samples[index] for index in group])
                if np.ptp(points, axis=0).max() <= largest_m:
                    groups.append((sum(links[:size - 1]), group))
    for _, group in sorted(groups):
        if not _overlap([segments[index] for index in group]):
            yield group


ALL = False


def _gaps(samples: Sequence[NDArray[np.floating]], gap_m: float) -> dict[tuple[int, int], float]:
    """Return the distances in metres between pairs of samples that are less than `gap_m` apart."""
    trees = [cKDTree(points) for points in samples]
    low = np.array([points.min(axis=0) for points in samples]).reshape(-1, 3)
    high = np.array([points.max(axis=0) for points in samples]).reshape(-1, 3)
    gaps = {}
    for a, b in combinations(range(len(samples)), 2):
        if np.maximum(low[a] - high[b], low[b] - high[a]).max() < gap_m:
            gap = float(trees[a].query(samples[b], distance_upper_bound=gap_m)[0].min())
            if gap < gap_m:
                gaps[a, b] = gap
    return gaps


def _overlap(segments: Sequence[Segment]) -> bool:
    rows = np.concatenate([segment.indices for segment in segments])
    return len(np.unique(rows)) < len(rows)


def union(segments: Sequence[Segment]) -> Segment:
    """Return one segment with the points of all."""
    return Segment(points=np.concatenate([segment.points for segment in segments]),
                   indices=np.concatenate([segment.indices for segment in segments]))


def shared_share(first: Segment, second: Segment) -> float:
    """Return the intersection over the union of two segments."""
    both = np.intersect1d(first.indices, second.indices, assume_unique=True).size
    return both / max(1, len(first.indices) + len(second.indices) - both)


def better_groups(segments: Sequence[Segment], estimates: Sequence[list[PoseEstimate]],
                  groups: Sequence[Group], merged: Sequence[list[PoseEstimate]], *,
                  min_confidence: float) -> list[int]:
    """Return which groups explain more points than their parts do, best first, none overlapping.

    `estimates` are those of the segments and `merged` those of the groups, best first. A pose
    explains its score times its points, or nothing below `min_confidence`.
    """
    def explained(found: list[PoseEstimate], size: int) -> float:
        return found[0].score * size \
            if found and found[0].confidence >= min_confidence else 0.0

    sizes = [len(segment.points) for segment in segments]
    gains = [explained(found, sum(sizes[index] for index in group))
             - sum(explained(estimates[index], sizes[index]) for index in group)
             for group, found in zip(groups, merged)]
    chosen: list[int] = []
    used: set[int] = set()
    for index in sorted(range(len(gains)), key=lambda index: -gains[index]):
        if gains[index] > 0 and used.isdisjoint(groups[index]):
            used.update(groups[index])
            chosen.append(index)
    return chosen
