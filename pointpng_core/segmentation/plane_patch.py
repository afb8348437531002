"""The visible part of a plane: its outline, its extent, and what lies where relative to it."""

from dataclasses import dataclass, replace
import math
from typing import ClassVar

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.plane_detection import Plane

_PATCH_CELL_M = 0.05
_OUTLINE_CELL_M = 0.015
_MIN_PATCH_SHARE = 0.2
_CROSSING_M = 0.1


@dataclass(frozen=True, kw_only=True)
class PlanePatch:
    """A plane and the convex outline of its visible part.

    `axes` (2, 3) are orthonormal directions in the plane, and `corner_m` (2,) is the corner of the
    map along them. `outside_map_m` is the distance of each map cell from the outline, negative
    inside. `area_m2` is the area of the outline, `size_m` its length and width along its main
    axes, and `middle` (3,) the mean of its points.
    """

    plane: Plane
    axes: np.ndarray
    corner_m: np.ndarray
    outside_map_m: np.ndarray
    area_m2: float
    size_m: tuple[float, float]
    middle: np.ndarray
    cell_m: ClassVar[float] = _OUTLINE_CELL_M

    def flat(self, points: np.ndarray) -> np.ndarray:
        """Return the coordinates (2, N) of points (N, 3) along the axes, from the map's corner."""
        return _along(self.axes, points) - self.corner_m.astype(points.dtype)[:, None]

    def moved(self, T: np.ndarray) -> 'PlanePatch':
        """Return the patch moved by T (4, 4)."""
        axes = self.axes @ T[:3, :3].T
        return replace(self, plane=self.plane.moved(T), axes=axes,
                       corner_m=self.corner_m + axes @ T[:3, 3],
                       middle=T[:3, :3] @ self.middle + T[:3, 3])

    def outside(self, points: np.ndarray) -> np.ndarray:
        """Return distances (N,) of points (N, 3) from the outline in the plane, negative inside.

        Beyond the map, and for non-finite points, the distance is inf.
        """
        return self.outside_flat(self.flat(points))

    def outside_flat(self, flat: np.ndarray) -> np.ndarray:
        """Return the same for the coordinates (2, N) that `flat` returns."""
        cells = (flat * flat.dtype.type(1.0 / _OUTLINE_CELL_M)).astype(np.int32)
        rows, columns = self.outside_map_m.shape
        known = (flat[0] >= 0) & (cells[0] < rows) & (flat[1] >= 0) & (cells[1] < columns)
        distances = np.full(flat.shape[1], np.inf)
        distances[known] = self.outside_map_m[cells[0][known], cells[1][known]]
        return distances


def outlined(plane: Plane, points: np.ndarray, tolerance_m: np.ndarray, *,
             config: SegmenterConfig) -> PlanePatch | None:
    """Return the part of a plane that points (N, 3) show, with its convex outline.

    Points within their tolerance_m (N,) of the plane lie on it. The map of the outline reaches
    `table_margin_m` beyond it. None when the part is smaller than a table and no longer than an
    object.
    """
    axes = np.linalg.svd(plane.normal[None])[2][1:]
    heights = plane.heights(points)
    flat = _along(axes, points)
    below = (heights < -2 * tolerance_m) & (heights > -_CROSSING_M)
    patch = _largest_part(flat[:, np.abs(heights) < tolerance_m], flat[:, below])
    if patch.shape[1] < 3:
        return None
    width_m, height_m = float(np.ptp(patch[0])), float(np.ptp(patch[1]))
    if not _is_large(math.hypot(width_m, height_m), width_m * height_m, config):
        return None  # for less than the price of the hull
    patch = patch.T
    try:
        hull = ConvexHull(patch)
    except QhullError:
        return None
    size_m = _size(patch[hull.vertices])
    if not _is_large(size_m[0], hull.volume, config):
        return None
    corner, outside = _outside_map(hull, patch, config.table_margin_m)
    middle = patch.mean(axis=0) @ axes - plane.offset_m * plane.normal
    return PlanePatch(plane=plane, axes=axes, corner_m=corner, outside_map_m=outside,
                      area_m2=float(hull.volume), size_m=size_m, middle=middle)


def _is_large(length_m: float, area_m2: float, config: SegmenterConfig) -> bool:
    return length_m >= config.max_segment_size_m or area_m2 >= config.min_table_area_m2


def _along(axes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the coordinates (2, N) of points (N, 3) along axes (2, 3).

    Column by column: far faster than (N, 3) @ (3, 2), and in the dtype of the points.
    """
    x, y, z = points.T
    return np.stack([x * a + y * b + z * c for a, b, c in axes.astype(points.dtype)])


def _largest_part(own: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the columns of `own` (2, N), points in the plane, that form its largest part.

    A chair at the height of a table is left out. Cells with as many points closely `below` (2, M)
    the plane do not belong to it: another surface crosses it. Gaps of up to two cells are bridged,
    and a part behind the shadow of an object is kept when it has a fifth of the largest one's
    points.
    """
    if own.shape[1] < 3:
        return own
    corner = own.min(axis=1, keepdims=True) - _PATCH_CELL_M
    rows, columns = ((own - corner) / _PATCH_CELL_M).astype(np.int64)
    shape = (int(rows.max()) + 2, int(columns.max()) + 2)
    solid = _count_cells(own, corner, shape) > _count_cells(below, corner, shape)
    labels, _ = ndimage.label(ndimage.binary_dilation(solid, np.ones((3, 3))),
                              structure=np.ones((3, 3)))
    label = np.where(solid, labels, 0)[rows, columns]
    counts = np.bincount(label)
    counts[0] = 0
    return own[:, counts[label] > _MIN_PATCH_SHARE * counts.max()]


def _count_cells(flat: np.ndarray, corner: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.floor((flat - corner) / _PATCH_CELL_M).astype(np.int64)
    known = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    return np.bincount(rows[known] * shape[1] + columns[known],
                       minlength=shape[0] * shape[1]).reshape(shape)


def _size(flat: np.ndarray) -> tuple[float, float]:
    """Return the extents of corners (N, 2) along their main axes, the longer one first."""
    centred = flat - flat.mean(axis=0)
    sides = np.ptp(centred @ np.linalg.eigh(centred.T @ centred)[1], axis=0)
    return float(sides.max()), float(sides.min())


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
