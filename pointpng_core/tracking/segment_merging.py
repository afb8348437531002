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
GAP_SAMPLE, GAP_PROBES = 400, 100
"""Points of two segments between which their gap is measured."""


def candidate_groups(segments: Sequence[Segment], doubtful: Sequence[bool], *, gap_m: float,
                     largest_m: float) -> Iterator[Group]:
    """Yield groups of two or three segments that may be one object, as indices, nearest first.

    The segments of a group are connected over gaps below `gap_m`, at least one is doubtful, and
    their extent is at most `largest_m`, the diameter of the largest reference. They share no
    points: a segment and a part of it together would count those twice.
    """
    samples = [random_points(segment.points, min(GAP_SAMPLE, len(segment.points)))
               for segment in segments]
    low, high = (np.array([extreme(points, axis=0) for points in samples]).reshape(-1, 3)
                 for extreme in (np.min, np.max))
    gaps_m, unsure = _gaps_m(samples, low, high, gap_m), np.array(doubtful, dtype=bool)
    found: list[tuple[float, Group]] = []
    for size in (2, 3):
        rows = np.array(list(combinations(range(len(segments)), size)), np.int64).reshape(-1, size)
        links = np.sort([gaps_m[rows[:, a], rows[:, b]]
                         for a, b in combinations(range(size), 2)], axis=0)
        apart_m = links[:size - 1].sum(axis=0)
        extent_m = (high[rows].max(axis=1) - low[rows].min(axis=1)).max(axis=1)
        fits = np.isfinite(apart_m) & (extent_m <= largest_m) & unsure[rows].any(axis=1)
        found += zip(apart_m[fits].tolist(), map(tuple, rows[fits].tolist()))
    for _, group in sorted(found):
        if not _overlap([segments[index] for index in group]):
            yield group


def _gaps_m(samples: Sequence[NDArray[np.floating]], low: NDArray[np.floating],
            high: NDArray[np.floating], gap_m: float) -> NDArray[np.float64]:
    """Return the gaps (S, S) between samples, above the diagonal; inf from `gap_m` on."""
    trees = [cKDTree(points) for points in samples]
    gaps = np.full((len(samples), len(samples)), np.inf)
    for a, b in combinations(range(len(samples)), 2):
        if np.maximum(low[a] - high[b], low[b] - high[a]).max() < gap_m:
            gaps[a, b] = trees[a].query(samples[b][:GAP_PROBES],
                                        distance_upper_bound=gap_m)[0].min()
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
