"""Segments that hold several tracked objects, split by where these are expected.

Recognition told touching objects apart that shape alone does not: while they are tracked, it need
not do so again.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointpng_core.segmentation import Segment
from pointpng_core.tracking.explained_points import Foreground
from pointpng_core.tracking.track import Track

REACH_DIAMETERS, REACH_SIGMAS = 0.05, 3.0
"""Distance from the expected surface, plus standard deviations of the depth noise, within which
points are a track's."""
LEAST_POINTS = 60
LEAST_SHARE = 0.1
"""Of a segment: with fewer points, a track has none in it."""
REST = -1


def split_by_tracks(segments: Sequence[Segment], tracks: Sequence[Track], foreground: Foreground,
                    size: int) -> list[Segment]:
    """Return the segments, each that holds points of several tracks in parts, the largest first.

    Also returns what lies on a track outside of all segments. `size` is the number of rows of the
    cloud.
    """
    if not tracks:
        return list(segments)
    owner = _owners(tracks, foreground, size)
    parts = [part for segment in segments for part in _parts(segment, owner)]
    left = owner.copy()
    for segment in segments:
        left[segment.indices] = REST
    rows = foreground.indices[left[foreground.indices] != REST]
    outside = Segment(points=foreground.points[np.isin(foreground.indices, rows)], indices=rows)
    found = set(np.unique(owner[np.concatenate([part.indices for part in parts])])) \
        if parts else set()
    parts += [part for label, part in _by_label(outside, owner) if label not in found]
    return sorted(parts, key=lambda part: -len(part.indices))


def _owners(tracks: Sequence[Track], foreground: Foreground, size: int) -> NDArray[np.int64]:
    """Return the track nearest to each row of the cloud (size,), REST where none is near."""
    owner = np.full(size, REST, dtype=np.int64)
    nearest = np.full(size, np.inf)
    for label, track in enumerate(tracks):
        near, distances_m = foreground.near_pose(
            track.T_expected, track.reference, sigmas=REACH_SIGMAS,
            base_m=REACH_DIAMETERS * track.reference.diameter_m)
        closer = distances_m < nearest[near.indices]
        rows = near.indices[closer]
        owner[rows], nearest[rows] = label, distances_m[closer]
    return owner


def _parts(segment: Segment, owner: NDArray[np.int64]) -> list[Segment]:
    """Return a segment, or its parts and the rest where it holds several tracks."""
    parts = dict(_by_label(segment, owner))
    parts = {label: part for label, part in parts.items()
             if len(part.indices) >= LEAST_SHARE * len(segment.indices)}
    return list(parts.values()) if len(parts.keys() - {REST}) > 1 else [segment]


def _by_label(segment: Segment, owner: NDArray[np.int64]) -> list[tuple[int, Segment]]:
    """Return the points of a segment by owner, those with at least LEAST_POINTS."""
    labels = owner[segment.indices]
    values, counts = np.unique(labels, return_counts=True)
    return [(int(label), Segment(points=segment.points[labels == label],
                                 indices=segment.indices[labels == label]))
            for label, count in zip(values, counts) if count >= LEAST_POINTS]
