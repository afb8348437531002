"""From registered views to a mesh: points that several views agree on, Poisson reconstruction."""

from collections.abc import Sequence

import numpy as np
import open3d as o3d
from scipy.spatial import cKDTree

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import voxel_keys
from pointpng_core.io import TriangleMesh
from pointpng_core.reference.reconstruction.planar_icp import SurfacePatch, concatenated

AGREEMENT_VOXEL_M = 0.004
"""Edge of the voxels in which views must agree."""
MIN_VIEWS = 3
"""Views in which a voxel must be occupied; flying pixels occur in one view only."""
OUTLIER_SIGMAS = 2.5
"""Standard deviations of the mean distance to neighbours beyond which a point is an outlier."""
NEIGHBOURS = 12
CELL_M = 0.003
"""Edge of the cells that the surface is reconstructed in."""
TRIM_M = 0.004
"""Surface farther than this from any measured point is extrapolated, and removed."""
MIN_COMPONENT_SHARE = 0.02
"""Share of the faces below which a connected component is removed."""


def consistent_surface(patches: Sequence[SurfacePatch], *, least: int = MIN_VIEWS) -> SurfacePatch:
    """Return the points in voxels that at least `least` of the patches (in one frame) occupy."""
    whole = concatenated(list(patches))
    owner = np.repeat(np.arange(len(patches)), [len(patch.points) for patch in patches])
    _, cell = np.unique(voxel_keys(whole.points, AGREEMENT_VOXEL_M), return_inverse=True)
    occupied = np.unique(cell * len(patches) + owner) // len(patches)
    kept = np.bincount(occupied)[cell] >= min(least, len(patches))
    return _inliers(SurfacePatch(points=whole.points[kept], normals=whole.normals[kept]))


def _inliers(patch: SurfacePatch) -> SurfacePatch:
    if len(patch.points) <= NEIGHBOURS:
        raise CloudError('the views agree on no surface')
    gaps = cKDTree(patch.points).query(patch.points, k=NEIGHBOURS + 1)[0].mean(axis=1)
    kept = gaps < gaps.mean() + OUTLIER_SIGMAS * gaps.std()
    return SurfacePatch(points=patch.points[kept], normals=patch.normals[kept])


def meshed(patch: SurfacePatch) -> TriangleMesh:
    """Return the surface through points with normals, trimmed where nothing was measured.

    Screened Poisson reconstruction (Kazhdan and Hoppe 2013). Raises CloudError if nothing is left.
    """
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(patch.points))
    cloud.normals = o3d.utility.Vector3dVector(patch.normals)
    mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(
        cloud, depth=0, width=CELL_M, n_threads=1)
    vertices = np.asarray(mesh.vertices)
    near = cKDTree(patch.points).query(vertices, distance_upper_bound=TRIM_M)[0] < TRIM_M
    mesh.remove_vertices_by_mask(~near)
    _remove_small_components(mesh)
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.triangles)
    if len(faces) == 0:
        raise CloudError('the views agree on no surface')
    return TriangleMesh(vertices=vertices, faces=faces)


def _remove_small_components(mesh: o3d.geometry.TriangleMesh) -> None:
    """Remove connected components of few faces."""
    piece, sizes, _ = mesh.cluster_connected_triangles()
    small = np.asarray(sizes) < MIN_COMPONENT_SHARE * np.sum(sizes)
    mesh.remove_triangles_by_mask(small[np.asarray(piece, dtype=int)])
    mesh.remove_unreferenced_vertices()

