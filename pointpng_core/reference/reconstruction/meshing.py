"""From placed looks to one surface: what several looks agree on, as a mesh."""

from collections.abc import Sequence

import numpy as np
import open3d as o3d
from scipy.spatial import cKDTree

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import voxel_keys
from pointpng_core.io import TriangleMesh
from pointpng_core.reference.reconstruction.planar_icp import Patch, joined

AGREE_M = 0.004
"""Edge of the voxels in which looks must agree."""
LEAST_LOOKS = 3
"""Looks that must have seen a place; a flying pixel is alone."""
MOST_OFF = 2.5
"""Standard deviations of the distance from its neighbours beyond which a point is an outlier."""
NEIGHBOURS = 12
CELL_M = 0.003
"""Edge of the cells that the surface is reconstructed in."""
TRIM_M = 0.004
"""Surface farther than this from what was seen is invented, and cut off."""
LEAST_PIECE = 0.02
"""Share of the faces below which a piece is left out."""


def agreed(patches: Sequence[Patch], *, least: int = LEAST_LOOKS) -> Patch:
    """Return the points that at least so many of the patches (one frame) have near them."""
    whole = joined(list(patches))
    owner = np.repeat(np.arange(len(patches)), [len(patch.points) for patch in patches])
    _, cell = np.unique(voxel_keys(whole.points, AGREE_M), return_inverse=True)
    seen = np.unique(cell * len(patches) + owner) // len(patches)
    kept = np.bincount(seen)[cell] >= min(least, len(patches))
    return _inliers(Patch(points=whole.points[kept], normals=whole.normals[kept]))


def _inliers(patch: Patch) -> Patch:
    if len(patch.points) <= NEIGHBOURS:
        raise CloudError('the looks agree on no surface')
    gaps = cKDTree(patch.points).query(patch.points, k=NEIGHBOURS + 1)[0].mean(axis=1)
    kept = gaps < gaps.mean() + MOST_OFF * gaps.std()
    return Patch(points=patch.points[kept], normals=patch.normals[kept])


def meshed(patch: Patch) -> TriangleMesh:
    """Return the surface through points with normals, cut where nothing was seen.

    Screened Poisson reconstruction (Kazhdan and Hoppe 2013). Raises CloudError for none.
    """
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(patch.points))
    cloud.normals = o3d.utility.Vector3dVector(patch.normals)
    mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(
        cloud, depth=0, width=CELL_M, n_threads=1)
    vertices = np.asarray(mesh.vertices)
    near = cKDTree(patch.points).query(vertices, distance_upper_bound=TRIM_M)[0] < TRIM_M
    mesh.remove_vertices_by_mask(~near)
    _without_crumbs(mesh)
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.triangles)
    if len(faces) == 0:
        raise CloudError('the looks agree on no surface')
    return TriangleMesh(vertices=vertices, faces=faces)


def _without_crumbs(mesh: o3d.geometry.TriangleMesh) -> None:
    """Remove small pieces that hang on nothing."""
    piece, sizes, _ = mesh.cluster_connected_triangles()
    small = np.asarray(sizes) < LEAST_PIECE * np.sum(sizes)
    mesh.remove_triangles_by_mask(small[np.asarray(piece, dtype=int)])
    mesh.remove_unreferenced_vertices()

