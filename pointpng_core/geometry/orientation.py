"""Meshes turned outward: a camera sees the outside, and normals say which side that is.

CAD programs that mirror a part leave its faces inside out, and some write every face twice, once
each way. Poses on such a surface are off by the thickness of a wall.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pointpng_core.geometry.meshes import TriangleMesh

MOST_PARTS = 1000
"""Closed parts, the largest, of which it is looked up whether they lie in others."""
OPEN_SHARE = 0.2
"""Share of the area on surfaces with a border from which on nobody can tell what is outside."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Outward:
    """A mesh whose closed surfaces face outward, and what had to be done."""

    mesh: TriangleMesh
    doubled: int = 0
    """Faces that were there twice."""
    turned: int = 0
    """Faces that were turned."""
    open_share: float = 0.0
    """Share of the area that belongs to no closed surface: it faces as it was."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each repair, and for what could not be checked."""
        return (*((f'{self.doubled} faces are there twice: one of each is used',)
                  if self.doubled else ()),
                *((f'{self.turned} of its faces point inward: they are turned',)
                  if self.turned else ()),
                *((f'{self.open_share:.0%} of its surface is not closed: whether it points '
                   'outward cannot be checked',) if self.open_share > OPEN_SHARE else ()))


def outward(mesh: TriangleMesh) -> Outward:
    """Return a mesh without repeated faces, whose closed surfaces face outward.

    A surface is closed where every edge has two faces. The largest one decides whether all are
    inside out; of the others, those that face inward and lie in no other one are turned: a cavity
    faces inward rightly.
    """
    welded = _welded(mesh)
    kept = _unique_faces(welded)
    doubled = int(_proper(welded).sum() - len(kept))
    faces = mesh.faces[kept]
    turned, open_faces = _turned(mesh.vertices.astype(np.float64), welded[kept])
    faces = np.where(turned[:, None], faces[:, ::-1], faces)
    if not doubled and not turned.any():
        faces = mesh.faces
    area = _areas(mesh.vertices.astype(np.float64), mesh.faces[kept])
    return Outward(mesh=TriangleMesh(vertices=mesh.vertices, faces=faces) if len(faces) else mesh,
                   doubled=doubled, turned=int(turned.sum()),
                   open_share=float(area[open_faces].sum() / max(area.sum(), 1e-300)))


def _welded(mesh: TriangleMesh) -> NDArray[np.int64]:
    """Return the faces (F, 3) with one index for all vertices at the same place, the first."""
    places = np.ascontiguousarray(mesh.vertices + np.float32(0)).view(np.dtype((np.void, 12)))
    _, first, inverse = np.unique(places[:, 0], return_index=True, return_inverse=True)
    return np.asarray(first[inverse][mesh.faces], dtype=np.int64)


def _proper(faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which faces (F, 3) have three different corners."""
    return np.asarray((faces != np.roll(faces, 1, axis=1)).all(axis=1))


def _unique_faces(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of faces with three corners, the first of those with the same ones."""
    rows = np.flatnonzero(_proper(faces))
    _, first = np.unique(_key(np.sort(faces[rows], axis=1)), return_index=True)
    return np.sort(rows[first])


def _key(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number (n,) for each row of two or three vertices: they sort faster so."""
    width = int(corners.max(initial=0)) + 1
    key = corners[:, 0] * width + corners[:, 1]
    if corners.shape[1] == 2:
        return np.asarray(key)
    return np.asarray(np.unique(key, return_inverse=True)[1] * width + corners[:, 2])


def _turned(vertices: NDArray[np.float64], faces: NDArray[np.int64]
            ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which faces (F, 3) must be turned, and which belong to no closed surface."""
    if not len(faces):
        return np.zeros(0, bool), np.zeros(0, bool)
    edges, edge_face = _edges(faces)
    _, edge, count = np.unique(_key(edges), return_inverse=True, return_counts=True)
    order = np.argsort(edge, kind='stable')
    same = edge[order][1:] == edge[order][:-1]
    pairs = edge_face[order][:-1][same], edge_face[order][1:][same]
    graph = coo_array((np.ones(len(pairs[0])), pairs), shape=(len(faces), len(faces)))
    parts, part = connected_components(graph, directed=False)
    closed = np.ones(parts, dtype=bool)
    closed[part[edge_face[count[edge] != 2]]] = False
    turned = _inconsistent(vertices, faces)
    consistent = np.where(turned[:, None], faces[:, ::-1], faces)
    volumes = np.bincount(part, _volumes(vertices, consistent), parts).astype(np.float64)
    inside_out = _inside_out(vertices, faces, part, np.flatnonzero(closed), volumes)
    turned ^= np.isin(part, inside_out)
    # What is open faces as it was.
    return turned & closed[part], ~closed[part]


def _edges(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges (3 F, 2) of faces, lower vertex first, and the face of each."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return np.sort(edges, axis=1), np.tile(np.arange(len(faces)), 3)


def _inconsistent(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which faces must be turned so that neighbours agree on what is outside."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    if len(np.unique(_key(directed))) == len(directed):
        return np.zeros(len(faces), dtype=bool)
    import trimesh
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    trimesh.repair.fix_winding(mesh)
    return np.asarray((np.asarray(mesh.faces) != faces).any(axis=1))


def _inside_out(vertices: NDArray[np.float64], faces: NDArray[np.int64], part: NDArray[np.intp],
                closed: NDArray[np.intp], volumes: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which of the closed parts must be turned."""
    if not len(closed):
        return closed
    low, high = (box[closed] for box in _boxes(vertices, faces, part, len(volumes)))
    size = (high - low).prod(axis=1)
    sign = np.where(volumes[closed[size.argmax()]] < 0, -1.0, 1.0)
    volume = sign * volumes[closed]
    outer = np.zeros(len(closed), dtype=bool)
    # Small parts of many are not worth the search for what is around them.
    for row in np.argsort(-size)[:MOST_PARTS]:
        outer[row] = volume[row] < 0 and not (
            (low[row] >= low).all(axis=1) & (high[row] <= high).all(axis=1)
            & (size[row] < size)).any()
    return closed[outer if sign > 0 else ~outer]


def _boxes(vertices: NDArray[np.float64], faces: NDArray[np.int64], part: NDArray[np.intp],
           parts: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and the highest coordinates (parts, 3) of all parts."""
    low, high = np.full((parts, 3), np.inf), np.full((parts, 3), -np.inf)
    corners = vertices[faces]
    np.minimum.at(low, part, corners.min(axis=1))
    np.maximum.at(high, part, corners.max(axis=1))
    return low, high


def _areas(vertices: NDArray[np.float64], faces: NDArray[np.integer]) -> NDArray[np.float64]:
    a, b, c = (vertices[faces[:, place]] for place in range(3))
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def _volumes(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the signed volumes (F,) between faces and the centroid; positive: outward."""
    a, b, c = (vertices[faces[:, place]] - vertices.mean(axis=0) for place in range(3))
    return np.asarray((a * np.cross(b, c)).sum(axis=1) / 6)
