"""Meshes turned outward: a camera sees the outside, and normals say which side that is.

CAD programs that mirror a part leave its faces inside out, and some write every face twice, once
each way. Poses on such a surface are off by the thickness of a wall.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.closed_surfaces import (
    Parts,
    areas,
    boxes,
    consistent_parts,
    filled_holes,
    row_keys,
    sums_by,
    volumes,
)
from pointpng_core.geometry.detached_parts import detached_faces
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.geometry.nested_parts import inside_out
from pointpng_core.geometry.seen_sides import front_share

HOLE_SHARE = 0.05
"""Area of the holes of a part, as a share of its own, up to which it is taken as closed.

An open pipe of 20 radii has as much; of what has more, the inside may be meant. Of 46 models of
BOP sets, none has holes.
"""
LEAST_VOLUME = 1e-12
"""Volume of a part, as a share of its diagonal to the third, that is surely no rounding."""
OPEN_SHARE = 0.2
"""Share of the area on surfaces with a border from which on their sides are looked at."""
SEEN_BACK, SEEN_FRONT = 0.28, 0.72
"""Share of the rays from all around that see the front of what is not closed, up to which it is
inside out, and from which on it is not. Of a mug, a drill and a bowl with 7 to 30 % of their faces
missing, without a bottom or a lower half: .77 to .94, and inside out .06 to .23. Half a ball, of
which either side may be meant, has a third."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Outward:
    """A mesh whose closed surfaces face outward, and what had to be done."""

    mesh: TriangleMesh
    doubled: int = 0
    """Faces that were there twice."""
    turned: int = 0
    """Faces that were turned."""
    open_share: float = 0.0
    """Share of the area that is not closed, and whose two sides are seen about as often: it faces
    as it was."""
    detached: int = 0
    """Parts that were left out: they lie far from the object and are hardly any of it."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each repair, and for what could not be checked."""
        return (*self.warnings,
                *((f'{self.doubled} faces are there twice: one of each is used',)
                  if self.doubled else ()),
                *((f'{self.turned} of its faces point inward: they are turned',)
                  if self.turned else ()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for each doubt that whoever uses the mesh must know of."""
        return (*((f'{self.detached} detached parts far from the others, less than 1 % of its '
                   'surface, are left out: remove them from the file',) if self.detached else ()),
                *((f'{self.open_share:.0%} of its surface is not closed: whether it points '
                   'outward cannot be checked',) if self.open_share > OPEN_SHARE else ()))


def outward(mesh: TriangleMesh) -> Outward:
    """Return a mesh without repeated faces and detached bits, whose surfaces face outward.

    A part of the surface is closed where its edges have a face on either side; small holes are
    taken as filled. The largest part decides whether all are inside out; of the others, those that
    face inward and lie in no other one are turned: a cavity faces inward rightly. All that is
    not closed is turned together where mostly its back is seen from around.
    """
    welded = _welded(mesh)
    kept = _unique_faces(welded)
    doubled = int(_proper(welded).sum() - len(kept))
    if not len(kept):
        return Outward(mesh=mesh, doubled=doubled)
    vertices = mesh.vertices.astype(np.float64)
    parts = consistent_parts(welded[kept])
    detached = detached_faces(vertices[welded[kept]], parts.part)
    count = len(np.unique(parts.part[detached]))
    if count:
        kept = kept[~detached]
        parts = consistent_parts(welded[kept])
    turned, unsure = _turned(vertices, welded[kept], parts)
    faces = np.where(turned[:, None], mesh.faces[kept][:, ::-1], mesh.faces[kept])
    if not (doubled or count or turned.any()):
        faces = mesh.faces
    area = areas(vertices[mesh.faces[kept]])
    return Outward(mesh=TriangleMesh(vertices=mesh.vertices, faces=faces), doubled=doubled,
                   turned=int(turned.sum()), detached=count,
                   open_share=float(area[unsure].sum() / max(area.sum(), 1e-300)))


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
    _, first = np.unique(row_keys(np.sort(faces[rows], axis=1)), return_index=True)
    return np.sort(rows[first])


def _turned(vertices: NDArray[np.float64], faces: NDArray[np.int64], found: Parts
            ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which faces (F, 3) must be turned, and of which nobody can tell."""
    part, parts = found.part, len(found.one_sided)
    facing = np.where(found.turned[:, None], faces[:, ::-1], faces)
    corners, filling = vertices[facing], filled_holes(vertices, facing, part)
    low, high = boxes(corners, part)
    middle = (low + high) / 2            # far from the origin, volumes would drown in rounding
    area = sums_by(part, areas(corners), parts)
    volume = sums_by(part, volumes(corners - middle[part, None]), parts) + sums_by(
        filling.part, filling.times * volumes(filling.corners - middle[filling.part, None]), parts)
    holes = sums_by(filling.part, np.abs(filling.times) * areas(filling.corners), parts)
    closed = ~found.one_sided & (holes <= HOLE_SHARE * area) \
        & (np.abs(volume) > LEAST_VOLUME * np.linalg.norm(high - low, axis=1)**3)
    turn = np.zeros(parts, dtype=bool)
    turn[inside_out(corners, part, np.flatnonzero(closed), volume)] = True
    known = closed.copy()
    if area[~closed].sum() > OPEN_SHARE * area.sum():
        front, open_parts = front_share(corners, ~closed[part]), ~closed & ~found.one_sided
        if front < SEEN_BACK:
            turn |= open_parts
        if front < SEEN_BACK or front > SEEN_FRONT:
            known |= open_parts
    # What nobody can tell faces as it was.
    return (found.turned ^ turn[part]) & known[part], ~known[part]
