"""Points that are no part of a measured object: placeholders of pixels without a reading, and
points far away.

Drivers and file formats write something for a pixel without a reading: 0, -1, or the largest value
of 16 bits in millimetres, 65.535 m.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.clouds.filtering import finite_rows

PLACEHOLDER_M = (-1.0, 65.535)
"""Depths that stand for no reading; zeros do where all three coordinates are 0."""
FARTHEST = 1.5
"""Distance from the middle of an object, in its diameters, that no point of it has."""
MOST_SHARE = 0.2
"""Where more points are far away, they are no stray ones: the cloud shows more than the object."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StrayPoints:
    """Which rows of a cloud are the object's, and why the others are not."""

    kept: NDArray[np.bool_]
    """(N,)"""
    counts: dict[str, int]
    """Number of the others, by what they are."""

    @property
    def warning(self) -> str | None:
        """Return what was left out, None where nothing was."""
        if not any(self.counts.values()):
            return None
        parts = [f'{count} {what}' for what, count in self.counts.items() if count]
        return (f'{" and ".join(parts)} of {len(self.kept)} points are left out: they are no '
                'readings of the object')


def stray_points(points: NDArray[np.floating], diameter_m: float) -> StrayPoints:
    """Return which of points (N, 3), metres, may belong to an object of a diameter.

    Rows that are not finite are kept: they are no readings anyway.
    """
    finite = finite_rows(points)
    zero = finite & (points == 0).all(axis=1)
    placeholder = finite & np.isclose(points[:, 2:], PLACEHOLDER_M, rtol=0, atol=1e-4).any(axis=1)
    placeholder &= _beyond(points, finite & ~zero & ~placeholder, diameter_m)
    rest = finite & ~zero & ~placeholder
    far = rest & _beyond(points, rest, diameter_m)
    if far.sum() > MOST_SHARE * max(int(rest.sum()), 1):
        far[:] = False
    if zero.sum() == 1:      # one point of a surface may lie there, two cannot
        zero &= _beyond(points, rest & ~far, diameter_m)
    return StrayPoints(kept=~(zero | placeholder | far), counts={
        'zeros': int(zero.sum()), 'placeholders (-1 or 65.535 m)': int(placeholder.sum()),
        'points far away': int(far.sum())})


def _beyond(points: NDArray[np.floating], of: NDArray[np.bool_], diameter_m: float
            ) -> NDArray[np.bool_]:
    """Return which points are too far from the middle of some of them to belong to one object."""
    if not of.any():
        return np.zeros(len(points), dtype=bool)
    middle = np.median(points[of].astype(np.float64), axis=0)
    with np.errstate(invalid='ignore', over='ignore'):
        away = np.linalg.norm(points.astype(np.float64) - middle, axis=1)
    return np.asarray(away > FARTHEST * diameter_m)
