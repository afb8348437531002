"""Parts of surfaces whose faces agree on a side, their holes and volumes.

Faces (F, 3) are indices of vertices (V, 3), one index for each place.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Parts of a surface, and how their faces come to agree on a side."""

    turned: NDArray[np.bool_]
    """The faces (F,) to turn so that neighbours agree: of each part, no more than half."""
    part: NDArray[np.intp]
    """The part (F,) of each face."""
    one_sided: NDArray[np.bool_]
    """The parts whose faces cannot agree, as those of a Moebius strip."""


@dataclass(frozen=True, kw_only=True)
class Filling:
    """What fills the holes of all parts: a fan about the middle of each rim."""

    corners: NDArray[np.float64]
    """Of each triangle (n, 3, 3)."""
    part: NDArray[np.int64]
    times: NDArray[np.float64]
    """How often each triangle (n,) is there; negative: it faces the other way."""


def consistent_parts(faces: NDArray[np.int64]) -> Parts:
    """Return the parts of a surface of faces (F, 3), F > 0, and which of them to turn.

    Neighbours share an edge that no third face has. Each face is two nodes of a graph, one for
    each of its sides: those of two neighbours are connected as the faces lie. A part is then two
    halves, and the one with more faces as they are is chosen; a one-sided part is one, and none
    of its faces is turned.
    """
    count = len(faces)
    directed, owner = _edges(faces)
    key = row_keys(np.sort(directed, axis=1))
    order = np.argsort(key, kind='stable')
    first, second = _pairs(key[order])
    one, two = order[first], order[second]
    same_way = directed[one, 0] == directed[two, 0]
    a, b = owner[one], owner[two]
    side = same_way * count             # a face whose edge runs the same way lies the other way
    sides = coo_array((np.ones(2 * len(a)), (np.concatenate([a, a + count]), np.concatenate(
        [b + side, (b + count + side) % (2 * count)]))), shape=(2 * count, 2 * count))
    _, half = connected_components(sides, directed=False)
    joined = coo_array((np.ones(len(a)), (a, b)), shape=(count, count))
    _, part = connected_components(joined, directed=False)
    as_is = np.bincount(half, np.arange(2 * count) < count, half.max() + 1)
    front, back = half[:count], half[count:]
    turned = (as_is[front] < as_is[back]) | ((as_is[front] == as_is[back]) & (front > back))
    return Parts(turned=turned, part=part,
                 one_sided=np.bincount(part, front == back).astype(bool))


def filled_holes(vertices: NDArray[np.float64], faces: NDArray[np.int64], part: NDArray[np.intp]
                 ) -> Filling:
    """Return what closes the parts of faces that agree on a side.

    An edge is on a rim where its faces do not have it both ways.
    """
    directed, owner = _edges(faces)
    ahead = directed[:, 0] < directed[:, 1]
    edge = np.column_stack((np.sort(directed, axis=1), part[owner]))
    _, first, inverse = np.unique(row_keys(edge), return_index=True, return_inverse=True)
    net = sums_by(inverse, np.where(ahead, 1.0, -1.0), len(first))
    rim = np.flatnonzero(net)
    start, end, of = edge[first[rim]].T
    if not len(rim):
        return Filling(corners=np.empty((0, 3, 3)), part=of, times=net[rim])
    # One hole: the edges of a part that are connected.
    node = np.unique(row_keys(np.column_stack((np.concatenate([start, end]), np.tile(of, 2)))),
                     return_inverse=True)[1].reshape(2, -1)
    _, group = connected_components(coo_array(
        (np.ones(len(rim)), (node[0], node[1])), shape=(node.max() + 1,) * 2), directed=False)
    hole = group[node[0]]
    middles = (vertices[start] + vertices[end]) / 2
    middle = np.stack([np.bincount(hole, axis) for axis in middles.T], axis=1) \
        / np.bincount(hole)[:, None]
    return Filling(corners=np.stack([middle[hole], vertices[end], vertices[start]], axis=1),
                   part=of, times=net[rim])


def sums_by(part: NDArray[np.integer], amounts: NDArray[np.float64], parts: int
            ) -> NDArray[np.float64]:
    """Return the sum (parts,) of the amounts of each part."""
    return np.bincount(part, amounts, parts).astype(np.float64)


def boxes(corners: NDArray[np.float64], part: NDArray[np.intp]
          ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and the highest coordinates (parts, 3) of parts of faces (F, 3, 3)."""
    order, counts = np.argsort(part, kind='stable'), np.bincount(part)
    starts = np.cumsum(counts) - counts
    return (np.minimum.reduceat(corners.min(axis=1)[order], starts),
            np.maximum.reduceat(corners.max(axis=1)[order], starts))


def areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area (F,) of each face, given its corners (F, 3, 3)."""
    a, b, c = (corners[:, corner] for corner in range(3))
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def volumes(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signed volumes (F,) between the origin and faces (F, 3, 3).

    Those of a closed surface that faces outward have a positive sum, wherever the origin is.
    """
    a, b, c = (corners[:, corner] for corner in range(3))
    return np.asarray((a * np.cross(b, c)).sum(axis=1) / 6)


def row_keys(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number (n,) for each row of two or three indices: they sort faster so."""
    width = int(rows.max(initial=0)) + 1
    key = rows[:, 0] * width + rows[:, 1]
    if rows.shape[1] == 2:
        return np.asarray(key)
    return np.asarray(np.unique(key, return_inverse=True)[1] * width + rows[:, 2])


def _edges(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the edges (3 F, 2) of faces, as they run, and the face of each."""
    return (np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]),
            np.tile(np.arange(len(faces)), 3))


def _pairs(key: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places in sorted keys of those that are there exactly twice."""
    start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    twice = start[np.diff(np.append(start, len(key))) == 2]
    return twice, twice + 1
