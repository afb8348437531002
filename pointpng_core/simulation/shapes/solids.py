"""Solids as signed distance functions that combine freely, and their closed triangle meshes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.meshes import TriangleMesh

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Solid:
    """A solid body in metres.

    `distance` maps points (N, 3) to signed distances (N,), negative inside; away from the
    surface a lower bound of the true distance is enough. `low` and `high` (3,) enclose the body.
    """

    distance: Callable[[Floats], Floats]
    low: Floats
    high: Floats

    def __or__(self, other: 'Solid') -> 'Solid':
        """Union."""
        return Solid(distance=lambda p: np.minimum(self.distance(p), other.distance(p)),
                     low=np.minimum(self.low, other.low), high=np.maximum(self.high, other.high))

    def __sub__(self, other: 'Solid') -> 'Solid':
        """Difference: this body without the other."""
        return Solid(distance=lambda p: np.maximum(self.distance(p), -other.distance(p)),
                     low=self.low, high=self.high)

    def blended(self, other: 'Solid', *, radius_m: float) -> 'Solid':
        """Union with a fillet of about `radius_m` along the seam (Quilez' polynomial minimum)."""
        def distance(points: Floats) -> Floats:
            a, b = self.distance(points), other.distance(points)
            overlap = np.clip(radius_m - np.abs(a - b), 0, None)
            blend: Floats = np.minimum(a, b) - overlap ** 2 / (4 * radius_m)
            return blend
        return Solid(distance=distance, low=np.minimum(self.low, other.low) - radius_m / 4,
                     high=np.maximum(self.high, other.high) + radius_m / 4)

    def moved(self, T_target_source: Floats) -> 'Solid':
        """The body carried by a rigid transform (4, 4)."""
        R, t = T_target_source[:3, :3], T_target_source[:3, 3]
        corners = np.array(np.meshgrid(*zip(self.low, self.high))).reshape(3, -1).T @ R.T + t
        return Solid(distance=lambda p: self.distance((p - t) @ R),
                     low=corners.min(axis=0), high=corners.max(axis=0))


def polygonise(solid: Solid, *, voxel_m: float = 0.002) -> TriangleMesh:
    """Return the surface of a solid as a closed mesh with outward normals and no faces inside.

    The distance function is sampled every `voxel_m`; a smooth surface of radius r comes out
    within voxel^2 / 8r, sharp edges are cut by at most half a voxel.
    """
    axes = [np.arange(low - 1.5 * voxel_m, high + 2.5 * voxel_m, voxel_m)
            for low, high in zip(solid.low, solid.high)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1)
    distances = solid.distance(grid.reshape(-1, 3)).reshape(grid.shape[:3])
    # Open3D expects the volume as (z, y, x) and returns voxel steps from its first corner.
    import open3d as o3d  # takes a second, and is needed only where a mesh is made
    volume = o3d.core.Tensor(np.ascontiguousarray(distances.transpose(2, 1, 0), dtype=np.float32))
    surface = o3d.t.geometry.TriangleMesh.create_isosurfaces(volume, [0.0])
    origin = np.array([axis[0] for axis in axes])
    vertices = surface.vertex.positions.numpy() * voxel_m + origin
    return _outward(vertices.astype(np.float32), surface.triangle.indices.numpy())


def signed_volume_m3(mesh: TriangleMesh) -> float:
    """Return the volume enclosed by a closed mesh, negative if its normals point inwards."""
    a, b, c = mesh.vertices[mesh.faces].astype(np.float64).transpose(1, 0, 2)
    return float(np.einsum('ij,ij->', a, np.cross(b, c)) / 6)


def _outward(vertices: np.ndarray, faces: np.ndarray) -> TriangleMesh:
    mesh = TriangleMesh(vertices=vertices, faces=faces.astype(np.int32))
    if signed_volume_m3(mesh) >= 0:
        return mesh
    return TriangleMesh(vertices=mesh.vertices, faces=np.ascontiguousarray(mesh.faces[:, ::-1]))
