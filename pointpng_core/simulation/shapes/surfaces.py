"""From a solid to a closed triangle mesh."""

import numpy as np

from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.shapes.solids import Solid


def polygonise(solid: Solid, *, voxel_m: float = 0.002) -> TriangleMesh:
    """Mesh the surface of a solid: closed, outward normals, no faces inside.

    The distance function is sampled every `voxel_m`; a smooth surface of radius r comes out
    within voxel^2 / 8r, sharp edges are cut by at most half a voxel.
    """
    axes = [np.arange(low - 1.5 * voxel_m, high + 2.5 * voxel_m, voxel_m)
            for low, high in zip(solid.low, solid.high)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1)
    distances = solid.distance(grid.reshape(-1, 3)).reshape(grid.shape[:3])
    # Open3D wants the volume as (z, y, x) and answers in voxel steps from its first corner.
    import open3d as o3d  # takes a second, and most who know shapes make none
    volume = o3d.core.Tensor(np.ascontiguousarray(distances.transpose(2, 1, 0), dtype=np.float32))
    surface = o3d.t.geometry.TriangleMesh.create_isosurfaces(volume, [0.0])
    origin = np.array([axis[0] for axis in axes])
    vertices = surface.vertex.positions.numpy() * voxel_m + origin
    return _outward(vertices.astype(np.float32), surface.triangle.indices.numpy())


def signed_volume_m3(mesh: TriangleMesh) -> float:
    """Volume enclosed by a closed mesh; negative when its normals point inwards."""
    a, b, c = mesh.vertices[mesh.faces].astype(np.float64).transpose(1, 0, 2)
    return float(np.einsum('ij,ij->', a, np.cross(b, c)) / 6)


def _outward(vertices: np.ndarray, faces: np.ndarray) -> TriangleMesh:
    mesh = TriangleMesh(vertices=vertices, faces=faces.astype(np.int32))
    if signed_volume_m3(mesh) >= 0:
        return mesh
    return TriangleMesh(vertices=vertices, faces=np.ascontiguousarray(mesh.faces[:, ::-1]))
