"""Points spread evenly over the surface of a mesh."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.geometry.meshes import TriangleMesh


def sample_surface(mesh: TriangleMesh, count: int, *, seed: int = 0
                   ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return `count` points (count, 3) drawn by area, and the normals of their faces (count, 3).

    One draw per equal share of the area (stratified), which leaves fewer holes than independent
    draws. Raises CloudError when the mesh has no area.
    """
    corners = mesh.vertices[mesh.faces].astype(np.float64)  # (F, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1) / 2.0
    total = areas.sum()
    if not total > 0:
        raise CloudError(f'mesh of {len(mesh.faces)} faces has no surface area')
    generator = np.random.default_rng(seed)
    shares = (np.arange(count) + generator.random(count)) / count * total
    face = np.searchsorted(np.cumsum(areas), shares).clip(max=len(areas) - 1)
    root, along = np.sqrt(generator.random(count)), generator.random(count)
    weights = np.stack((1 - root, root * (1 - along), root * along), axis=1)
    points = (corners[face] * weights[:, :, None]).sum(axis=1)
    units = normals[face] / (2.0 * areas[face, None]).clip(min=1e-300)
    return points.astype(np.float32), units.astype(np.float32)
