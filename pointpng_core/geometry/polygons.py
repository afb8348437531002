"""Polygons split into triangles: fans of convex ones, ears of all others."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_TURN = -1e-9
"""Sine of a turn to the other side from which on a polygon is not convex."""
MAX_CONCAVE_CORNERS = 10_000
"""Ear clipping takes up to half a second for so many, and grows with their square."""
BLOCK_CORNERS = 1 << 20
"""Corners that are looked at together: their coordinates take more memory than their indices."""


def split_polygons(polygons: NDArray | Sequence[Any], vertices: NDArray[np.floating]
                   ) -> NDArray[np.int64]:
    """Split polygons, each a row of indices of vertices (V, 3), into triangles (F, 3).

    What has fewer than three corners is no surface and gives none. Raises ValueError for an index
    that no vertex has or that is no whole number, and for corners that are not finite.
    """
    lengths = np.fromiter(map(len, polygons), np.int64, len(polygons))
    faces, owners = [np.empty((0, 3), np.int64)], [np.empty(0, np.int64)]
    usable = (np.abs(vertices) <= np.finfo(np.float32).max).all(axis=1)
    for rows in _alike(lengths):
        index = _whole(polygons[rows] if isinstance(polygons, np.ndarray) else
                       np.array([polygons[row] for row in rows]))
        _require_vertices(index, usable)
        split, owner = _split_alike(index, vertices)
        faces.append(split)
        owners.append(rows[owner])
    return np.concatenate(faces)[np.argsort(np.concatenate(owners), kind='stable')]


def _alike(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Yield blocks of rows whose polygons have the same length, three or more."""
    for length in np.unique(lengths[lengths > 2]):
        rows = np.flatnonzero(lengths == length)
        step = max(BLOCK_CORNERS // int(length), 1)
        yield from (rows[start:start + step] for start in range(0, len(rows), step))


def _whole(index: NDArray) -> NDArray[np.int64]:
    """Return indices as integers; raises ValueError where they are none."""
    if index.dtype.kind not in 'iuf' or not (index == np.floor(index)).all():
        raise ValueError('a face has an index that is no whole number')
    return index.astype(np.int64)


def _require_vertices(index: NDArray[np.int64], usable: NDArray[np.bool_]) -> None:
    if index.min() < 0 or index.max() >= len(usable):
        wrong = index.max() if index.max() >= len(usable) else index.min()
        raise ValueError(f'a face has the vertex {wrong}, but there are {len(usable)}')
    if not usable[index].all():
        raise ValueError(f'the vertex {index[~usable[index]][0]} of a face is not finite')


def _split_alike(index: NDArray[np.int64], vertices: NDArray[np.floating]
                 ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the triangles (F, 3) of polygons (n, k), and the polygon (F,) of each."""
    fan = _fan(index.shape[1])
    faces, owner = index[:, fan].reshape(-1, 3), np.repeat(np.arange(len(index)), len(fan))
    if index.shape[1] == 3:
        return faces, owner
    corners = np.asarray(vertices, dtype=np.float64)[index]
    corners = corners - corners[:, :1]
    size = np.abs(corners).max(axis=(1, 2), initial=0)[:, None, None]
    corners /= np.where(size > 0, size, 1)
    normals = _area_normals(corners)
    concave = np.flatnonzero(~_are_convex(corners, normals))
    if index.shape[1] == 4:
        return _other_diagonals(faces, index, corners, concave), owner
    split = [index[row][_less_surface(corners[row], normals[row])] for row in concave]
    kept = ~np.isin(owner, concave)
    return (np.concatenate([faces[kept], *split]), np.concatenate(
        [owner[kept], np.repeat(concave, [len(each) for each in split])]))


def _other_diagonals(faces: NDArray[np.int64], index: NDArray[np.int64],
                     corners: NDArray[np.float64], concave: NDArray[np.intp]
                     ) -> NDArray[np.int64]:
    """Return the triangles (2 n, 3) of quads, split where two triangles have less surface."""
    fans = _fan(4), (_fan(4) + 1) % 4
    surface = [np.sum([_surfaces(corners[concave], face) for face in fan], axis=0) for fan in fans]
    other = concave[surface[1] < surface[0]]
    split = faces.reshape(-1, 2, 3).copy()
    split[other] = index[other][:, fans[1]]
    return split.reshape(-1, 3)


def _surfaces(corners: NDArray[np.float64], face: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the area (n,) of one triangle, three corners, of polygons (n, k, 3)."""
    a, b, c = (corners[:, corner] for corner in face)
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def _fan(corners: int) -> NDArray[np.int64]:
    along = np.arange(1, corners - 1)
    return np.column_stack((np.zeros_like(along), along, along + 1))


def _area_normals(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return normals (n, 3) of polygons (n, k, 3) by Newell's method, with twice their area."""
    return np.asarray(np.cross(corners, np.roll(corners, -1, axis=1)).sum(axis=1))


def _are_convex(corners: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which polygons (n, k, 3) turn to one side only, and once around."""
    sides = np.roll(corners, -1, axis=1) - corners
    after = np.roll(sides, -1, axis=1)
    lengths = np.linalg.norm(sides, axis=2) * np.linalg.norm(after, axis=2)
    size = np.linalg.norm(normals, axis=1)[:, None]
    turns = (np.cross(sides, after) * normals[:, None]).sum(axis=2)
    one_side = (turns >= LEAST_TURN * lengths * size).all(axis=1)
    ahead = np.arctan2(turns / size.clip(min=1e-300), (sides * after).sum(axis=2))
    return np.asarray(one_side & (ahead.sum(axis=1) < 3 * np.pi))  # a pentagram turns twice around


def _less_surface(corners: NDArray[np.float64], normal: NDArray[np.float64]
                  ) -> NDArray[np.int64]:
    """Return the triangles of a polygon (k, 3): of ears and fan those that fit its area."""
    if len(corners) > MAX_CONCAVE_CORNERS:
        raise ValueError(f'a concave face has {len(corners)} corners; no more than '
                         f'{MAX_CONCAVE_CORNERS} are split into triangles')
    ways = _ears(corners, normal), _fan(len(corners))
    # Ears leave out repeated corners, and parts of a polygon that crosses itself.
    excess = [abs(_surfaces(corners[way], np.arange(3)).sum() - np.linalg.norm(normal) / 2)
              for way in ways]
    return ways[int(np.argmin(excess))]


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
