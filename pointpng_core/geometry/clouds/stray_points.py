"""Points that are no part of a measured object: placeholders of pixels without a reading, and
points far away.

Drivers and file formats write something for a pixel without a reading: 0, -1, or the largest value
of 16 bits in millimetres, 65.535 m.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pointpng_core.geometry.clouds.filtering import finite_rows

PLACEHOLDER_M = (-1.0, 65.535)
"""Depths that stand for no reading; zeros do where all three coordinates are 0."""
FARTHEST = 1.5
"""Distance from the middle of an object, in its diameters, that no point of it has."""
MOST_SHARE = 0.2
"""Where more points are far away, they are no stray ones: the cloud shows more than the object."""
FAR_RADII = 20.0
"""Points further from the middle, in median distances from it, are not the object's."""
PLACEHOLDER_RADII = 5.0
"""The same for points whose depth is that of a placeholder."""
NEIGHBOURS, LONELY_RADII = 3, 2.0
"""A point of a surface has so many others within two median distances from the middle."""
LONELY_SHARE = 0.05
"""Where more have not, the surface has a thin part, such as a stick, and few points on it."""


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


def stray_points(points: NDArray[np.floating], diameter_m: float, *,
                 likely_m: float | None = None) -> StrayPoints:
    """Return which of points (N, 3), metres, may belong to an object of a diameter.

    `likely_m` is a smaller diameter that counts for what may be a placeholder. Rows that are not
    finite are kept: they are no readings anyway.
    """
    likely_m = diameter_m if likely_m is None else likely_m
    finite = finite_rows(points)
    zero = finite & (points == 0).all(axis=1)
    placeholder = finite & np.isclose(points[:, 2:], PLACEHOLDER_M, rtol=0, atol=1e-4).any(axis=1)
    placeholder &= _beyond(points, finite & ~zero & ~placeholder, likely_m)
    rest = finite & ~zero & ~placeholder
    far = rest & _beyond(points, rest, diameter_m)
    if far.sum() > MOST_SHARE * max(int(rest.sum()), 1):
        far[:] = False
    if zero.sum() == 1:      # one point of a surface may lie there, two cannot
        zero &= _beyond(points, rest & ~far, likely_m)
    return StrayPoints(kept=~(zero | placeholder | far), counts={
        'zeros': int(zero.sum()), 'placeholders (-1 or 65.535 m)': int(placeholder.sum()),
        'points far away': int(far.sum())})


def stray_surface_points(points: NDArray[np.floating]) -> StrayPoints:
    """Return which of points (N, 3), metres, may belong to one object of an unknown diameter.

    Besides placeholders, those far from all others are left out. Rows that are not finite are
    kept: they are no readings anyway.
    """
    main = main_rows(points)
    if not main.any():
        return StrayPoints(kept=np.ones(len(points), dtype=bool), counts={})
    radius_m = _median_radius_m(points[main])
    found = stray_points(points, FAR_RADII * radius_m / FARTHEST,
                         likely_m=PLACEHOLDER_RADII * radius_m / FARTHEST)
    rows = np.flatnonzero(found.kept & finite_rows(points))
    if len(rows) <= NEIGHBOURS:
        return found
    away, _ = cKDTree(points[rows]).query(points[rows], k=[NEIGHBOURS + 1])
    lonely = rows[away[:, 0] > LONELY_RADII * radius_m]
    if len(lonely) > LONELY_SHARE * len(rows):
        return found
    kept = found.kept.copy()
    kept[lonely] = False
    far = 'points far away'
    return StrayPoints(kept=kept, counts={**found.counts, far: found.counts[far] + len(lonely)})


def main_rows(points: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which of points (N, 3) are finite, not at zero and not very far from the others."""
    rows = finite_rows(points)
    rows &= (points != 0).any(axis=1) if points[rows].any() else True
    if not rows.any():
        return rows
    with np.errstate(over='ignore', invalid='ignore'):
        away = np.linalg.norm(points.astype(np.float64) - np.median(points[rows], axis=0), axis=1)
        return np.asarray(rows & (away <= FAR_RADII * max(float(np.median(away[rows])), 1e-6)))


def _median_radius_m(points: NDArray[np.floating]) -> float:
    middle = np.median(points.astype(np.float64), axis=0)
    return float(np.median(np.linalg.norm(points - middle, axis=1)))


def _beyond(points: NDArray[np.floating], of: NDArray[np.bool_], diameter_m: float
            ) -> NDArray[np.bool_]:
    """Return which points are too far from the middle of some of them to belong to one object."""
    if not of.any():
        return np.zeros(len(points), dtype=bool)
    middle = np.median(points[of].astype(np.float64), axis=0)
    with np.errstate(invalid='ignore', over='ignore'):
        away = np.linalg.norm(points.astype(np.float64) - middle, axis=1)
    return np.asarray(away > FARTHEST * diameter_m)
