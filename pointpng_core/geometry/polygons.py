"""Polygons split into triangles: fans of convex ones, ears of all others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_TURN = -1e-9
"""Sine of a turn to the other side from which on a polygon is not convex."""


def split_polygons(polygons: NDArray | Sequence[Any], vertices: NDArray[np.floating]
                   ) -> NDArray[np.int64]:
    """Split polygons, each a row of indices of vertices (V, 3), into triangles (F, 3).

    What has fewer than three corners is no surface and gives none. Raises ValueError for an index
    that no vertex has.
    """
    if isinstance(polygons, np.ndarray) and polygons.ndim == 2 and polygons.shape[1] == 3:
        faces = polygons.astype(np.int64)
    else:
        split = [_split(polygon, vertices) for polygon in polygons if len(polygon) > 2]
        faces = np.concatenate(split) if split else np.empty((0, 3), np.int64)
    if len(faces):
        _require_vertices(faces, vertices)
    return faces


def _require_vertices(index: NDArray[np.int64], vertices: NDArray[np.floating]) -> None:
    if index.min() < 0 or index.max() >= len(vertices):
        wrong = index.max() if index.max() >= len(vertices) else index.min()
        raise ValueError(f'a face has the vertex {wrong}, but there are {len(vertices)}')


def _split(polygon: Any, vertices: NDArray[np.floating]) -> NDArray[np.int64]:
    index = np.asarray(polygon, dtype=np.int64)
    if len(index) == 3:
        return index[None]
    _require_vertices(index, vertices)
    corners = np.asarray(vertices, dtype=np.float64)[index]
    normal = _area_normal(corners)
    if not _is_convex(corners, normal):
        ears = _ears(corners, normal)
        if len(ears) == len(index) - 2:      # fewer where the polygon crosses itself
            return index[ears]
    fan = np.arange(1, len(index) - 1)
    return index[np.column_stack((np.zeros_like(fan), fan, fan + 1))]


def _area_normal(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal (3,) of a polygon (n, 3) by Newell's method, with twice its area."""
    local = corners - corners[0]
    return np.asarray(np.cross(local, np.roll(local, -1, axis=0)).sum(axis=0))


def _is_convex(corners: NDArray[np.float64], normal: NDArray[np.float64]) -> bool:
    """Return whether a polygon turns to one side only, and once around."""
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(sides, axis=1) * np.linalg.norm(np.roll(sides, -1, axis=0), axis=1)
    turns = np.cross(sides, np.roll(sides, -1, axis=0)) @ normal
    if not (turns >= LEAST_TURN * lengths * np.linalg.norm(normal)).all():
        return False
    ahead = np.arctan2(turns / max(float(np.linalg.norm(normal)), 1e-300),
                       (sides * np.roll(sides, -1, axis=0)).sum(axis=1))
    return bool(ahead.sum() < 3 * np.pi)      # a pentagram turns twice around


def _ears(corners: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the triangles (n, 3) of a polygon by ear clipping, in the plane it lies in most.

    They are turned as the polygon is.
    """
    import mapbox_earcut
    axis = int(np.abs(normal).argmax())
    plane = np.delete(corners, axis, axis=1)
    triangles = mapbox_earcut.triangulate_float64(
        plane, np.array([len(corners)], dtype=np.uint32)).reshape(-1, 3).astype(np.int64)
    a, b, c = (corners[triangles[:, place]] for place in range(3))
    flipped = np.cross(b - a, c - a) @ normal < 0
    triangles[flipped] = triangles[flipped][:, ::-1]
    return triangles
