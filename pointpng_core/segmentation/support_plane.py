"""The table: a supporting plane with an outline, chosen among the visible planes."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.plane_detection import Plane, find_planes, tolerances_m

_PATCH_CELL_M = 0.05
_OUTLINE_CELL_M = 0.015
_MIN_PATCH_SHARE = 0.2
_ABOVE_WEIGHT = 10.0
_NEAREST_M = 0.1
_SAMPLE_SIZE = 2100
_SAMPLED_ROWS = 4 * _SAMPLE_SIZE
_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A supporting plane and the convex outline of its visible part.

    `axes` (2, 3) are orthonormal directions in the plane, and `corner_m` (2,) is the corner of the
    map along them. `outside_map_m` is the distance of each map cell from the outline, negative
    inside.
    """

    plane: Plane
    axes: np.ndarray
    corner_m: np.ndarray
    outside_map_m: np.ndarray

    def outside(self, points: np.ndarray) -> np.ndarray:
        """Return distances (N,) of points (N, 3) from the outline in the plane, negative inside.

        Beyond the map, and for non-finite points, the distance is inf.
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


def find_table(points: np.ndarray, *, config: SegmenterConfig, depth_noise: DepthNoise
               ) -> Table | None:
    """Return the surface that supports the objects in points (N, 3) of the camera frame.

    Points that are not finite or out of range are ignored. The table is not simply the largest
    plane, since a floor or a wall may be larger. The rating of each plane is
    `share of points on it + 10 x share of points that stand on it`, divided by its distance, times
    a preference for planes whose normal points to the top of the image: a camera is rarely upside
    down, so the normal of a table points there and that of a wall behind it does not. Points stand
    on a plane when they are at most `max_height_m` above it, inside its outline, and on no other
    plane. None when no plane is large enough.
    """
    sample = _sample(points, config)
    tolerance = tolerances_m(sample, config.plane_tolerance_m, config, depth_noise)
    tables = [table for plane in find_planes(sample, tolerance, config=config)
              if (table := _outlined(plane, sample, tolerance, config)) is not None]
    if not tables:
        return None
    heights = np.stack([table.plane.heights(sample) for table in tables])
    free = (np.abs(heights) >= tolerance).all(axis=0)
    ratings = []
    for table, height in zip(tables, heights):
        own = np.abs(height) < tolerance
        above = (height > 0) & (height < config.max_height_m) & (table.outside(sample) < 0)
        share = own.mean() + _ABOVE_WEIGHT * (above & free).mean()
        upward = (1.0 - table.plane.normal[1]) / 2.0
        ratings.append(share * upward / max(table.plane.offset_m, _NEAREST_M))
    return tables[int(np.argmax(ratings))]


def usable_rows(points: np.ndarray, config: SegmenterConfig) -> np.ndarray:
    """Return the rows of points (N, 3) that are finite and within `max_range_m` of the camera."""
    # A comparison with nan or inf is false: far faster than isfinite().all(axis=1).
    with np.errstate(invalid='ignore', over='ignore'):
        squares = points[:, 0] ** 2 + points[:, 1] ** 2 + points[:, 2] ** 2
        return np.flatnonzero(squares < config.max_range_m ** 2)


def _sample(points: np.ndarray, config: SegmenterConfig) -> np.ndarray:
    generator = np.random.default_rng(_SEED)
    if len(points) > _SAMPLED_ROWS:
        sampled = points[generator.integers(len(points), size=_SAMPLED_ROWS)]
        sampled = sampled[usable_rows(sampled, config)]
        if len(sampled) >= _SAMPLE_SIZE:
            return sampled[:_SAMPLE_SIZE].astype(np.float64)
    rows = usable_rows(points, config)  # the cloud is mostly holes, or small
    return points[generator.permutation(rows)[:_SAMPLE_SIZE]].astype(np.float64)


def _outlined(plane: Plane, sample: np.ndarray, tolerance: np.ndarray, config: SegmenterConfig
              ) -> Table | None:
    axes = np.linalg.svd(plane.normal[None])[2][1:]
    heights = plane.heights(sample)
    flat = np.stack([sample @ axis for axis in axes], axis=1)
    patch = _largest_patch(flat[np.abs(heights) < tolerance], flat[heights < -2 * tolerance])
    try:
        hull = ConvexHull(patch)
    except (QhullError, ValueError):
        return None
    if hull.volume < config.min_table_area_m2:
        return None
    corner, outside = _outside_map(hull, patch, config.table_margin_m)
    return Table(plane=plane, axes=axes, corner_m=corner, outside_map_m=outside)


def _largest_patch(own: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the rows of `own` (N, 2), points in the plane, that form its largest patch.

    A chair at the height of a table is left out. Cells with as many points `below` (M, 2) the
    plane do not belong to it: another surface passes through. Gaps of up to two cells are bridged,
    and a patch behind the shadow of an object is kept when it has a fifth of the largest one's
    points.
    """
    if len(own) < 3:
        return own
    corner = own.min(axis=0) - _PATCH_CELL_M
    shape = ((own.max(axis=0) - corner) / _PATCH_CELL_M).astype(np.int64) + 2
    cells = ((own - corner) / _PATCH_CELL_M).astype(np.int64)
    solid = _count_cells(own, corner, shape) > _count_cells(below, corner, shape)
    labels, _ = ndimage.label(ndimage.binary_dilation(solid, np.ones((3, 3))),
                              structure=np.ones((3, 3)))
    label = np.where(solid, labels, 0)[cells[:, 0], cells[:, 1]]
    counts = np.bincount(label)
    counts[0] = 0
    return own[counts[label] > _MIN_PATCH_SHARE * counts.max()]


def _count_cells(flat: np.ndarray, corner: np.ndarray, shape: np.ndarray) -> np.ndarray:
    edges = [corner[axis] + _PATCH_CELL_M * np.arange(shape[axis] + 1) for axis in range(2)]
    return np.histogram2d(flat[:, 0], flat[:, 1], bins=edges)[0]


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
