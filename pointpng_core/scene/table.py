"""The table: a plane with an outline, and the choice among the planes in view."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from pointpng_core.scene.config import SegmenterConfig
from pointpng_core.scene.plane import Plane, find_planes, tolerances

_PATCH_CELL_M = 0.05
_OUTLINE_CELL_M = 0.015
_MIN_PATCH_SHARE = 0.2
_STANDING_WEIGHT = 10.0
_SAMPLE = 3000
_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A supporting plane and the convex outline of what is seen of it.

    axes: (2, 3) orthonormal directions in the plane; corner_m: (2,) where the map begins along
    them; outside_map_m: distance from the outline of each map cell, negative inside.
    """

    plane: Plane
    axes: np.ndarray
    corner_m: np.ndarray
    outside_map_m: np.ndarray
    area_m2: float

    def outside(self, points: np.ndarray) -> np.ndarray:
        """Distances (N,) of points (N, 3) from the outline along the plane, negative inside.

        Beyond the map, and for points that are not finite, the distance is inf.
        """
        cells = []
        for axis, corner in zip(self.axes, self.corner_m):
            a, b, c = (points.dtype.type(value / _OUTLINE_CELL_M) for value in axis)
            start = points.dtype.type(corner / _OUTLINE_CELL_M)
            cells.append((points[:, 0] * a + points[:, 1] * b + points[:, 2] * c - start)
                         .astype(np.int32))
        rows, columns = self.outside_map_m.shape
        known = (cells[0] >= 0) & (cells[0] < rows) & (cells[1] >= 0) & (cells[1] < columns)
        distances = np.full(len(points), np.inf)
        distances[known] = self.outside_map_m[cells[0][known], cells[1][known]]
        return distances


def find_table(points: np.ndarray, rows: np.ndarray, *,
               config: SegmenterConfig) -> Table | None:
    """Find the surface that carries the objects in points (N, 3) of the camera frame.

    rows: the indices of the points to use, all of them finite.

    Not simply the largest plane: a floor or a wall may be larger. Each plane gets
    `share of its points + 10 x share of points that stand on it`, times a preference for planes
    whose normal points to the top of the image (a camera is rarely upside down: a table seen from
    above has its normal there, a wall behind it the opposite). Points count as standing when they
    are within `max_height_m` above the plane and inside its outline. None when no plane is large
    enough.
    """
    sample = _sample(points, rows)
    tables = [table for plane in find_planes(sample, config=config)
              if (table := _outlined(plane, sample, config)) is not None]
    if not tables:
        return None
    return max(tables, key=lambda table: _rating(table, sample, config))


def _sample(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
    if len(rows) > _SAMPLE:
        rows = rows[np.random.default_rng(_SEED).integers(len(rows), size=_SAMPLE)]
    return points[rows].astype(np.float64)


def _rating(table: Table, sample: np.ndarray, config: SegmenterConfig) -> float:
    heights = table.plane.heights(sample)
    tolerance = tolerances(sample, config.plane_tolerance_m, config)
    inside = table.outside(sample) < 0
    own = np.abs(heights) < tolerance
    standing = (heights > 2 * tolerance) & (heights < config.max_height_m) & inside
    upward = (1.0 - table.plane.normal[1]) / 2.0
    return float((own.mean() + _STANDING_WEIGHT * standing.mean()) * upward)


def _outlined(plane: Plane, sample: np.ndarray, config: SegmenterConfig) -> Table | None:
    axes = np.linalg.svd(plane.normal[None])[2][1:]
    tolerance = tolerances(sample, config.plane_tolerance_m, config)
    own = sample[np.abs(plane.heights(sample)) < tolerance] @ axes.T
    patch = _largest_patch(own)
    try:
        hull = ConvexHull(patch)
    except (QhullError, ValueError):
        return None
    if hull.volume < config.min_table_area_m2:
        return None
    corner, outside = _outside_map(hull, patch, config.table_margin_m)
    return Table(plane=plane, axes=axes, corner_m=corner, outside_map_m=outside,
                 area_m2=float(hull.volume))


def _largest_patch(flat: np.ndarray) -> np.ndarray:
    """Rows of flat (N, 2) that lie together; a chair at the table's height is left out.

    Gaps of up to two cells are bridged, and what is split by the shadow of an object is kept
    as long as it is a fifth of the largest part.
    """
    if len(flat) < 3:
        return flat
    cells = np.floor((flat - flat.min(axis=0)) / _PATCH_CELL_M).astype(np.int64)
    occupied = np.zeros(cells.max(axis=0) + 3, dtype=bool)
    occupied[cells[:, 0] + 1, cells[:, 1] + 1] = True
    labels, _ = ndimage.label(ndimage.binary_dilation(occupied, np.ones((3, 3))),
                              structure=np.ones((3, 3)))
    label = labels[cells[:, 0] + 1, cells[:, 1] + 1]
    counts = np.bincount(label)
    return flat[counts[label] >= _MIN_PATCH_SHARE * counts.max()]


def _outside_map(hull: ConvexHull, patch: np.ndarray,
                 margin_m: float) -> tuple[np.ndarray, np.ndarray]:
    corner = patch.min(axis=0) - margin_m - _OUTLINE_CELL_M
    shape = np.ceil((patch.max(axis=0) + margin_m + _OUTLINE_CELL_M - corner)
                    / _OUTLINE_CELL_M).astype(int)
    rows = corner[0] + (np.arange(shape[0]) + 0.5) * _OUTLINE_CELL_M
    columns = corner[1] + (np.arange(shape[1]) + 0.5) * _OUTLINE_CELL_M
    outside = np.full(tuple(shape), -np.inf)
    for a, b, offset in hull.equations:
        np.maximum(outside, a * rows[:, None] + b * columns + offset, out=outside)
    return corner, outside.astype(np.float32)
