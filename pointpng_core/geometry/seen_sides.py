"""Which side of a surface is seen from around it: the outer one, where it has an outside."""

import numpy as np
from numpy.typing import NDArray

DIRECTIONS, RAYS = 50, 32
"""Directions of parallel rays, and rays along each edge of the square that they come from."""
LEAST_HITS = 50
"""Rays that must meet the faces in question."""


def front_share(corners: NDArray[np.float64], of: NDArray[np.bool_]) -> float:
    """Return which share of the rays that meet some of the faces (F, 3, 3) first see their front.

    The rays come from all around, from far away. NaN where they hardly meet any of those faces.
    """
    import open3d as o3d

    flat = corners.reshape(-1, 3)
    middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
    radius = float(np.linalg.norm(flat - middle, axis=1).max())
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(((flat - middle) / radius).astype(np.float32),
                        np.arange(len(flat), dtype=np.uint32).reshape(-1, 3))
    rays = _rays()
    face = scene.cast_rays(o3d.core.Tensor(rays))['primitive_ids'].numpy()
    hit = face < len(corners)
    hit[hit] = of[face[hit]]
    if hit.sum() < LEAST_HITS:
        return float('nan')
    a, b, c = (corners[face[hit], corner] for corner in range(3))
    return float(((np.cross(b - a, c - a) * rays[hit, 3:]).sum(axis=1) < 0).mean())


def _rays() -> NDArray[np.float32]:
    """Return origins and directions (n, 6) of rays to the unit sphere, from all around."""
    from pointpng_core.geometry.so3 import fibonacci_directions, frame_towards  # loads torch

    across, down, back = frame_towards(fibonacci_directions(DIRECTIONS)).numpy().transpose(1, 0, 2)
    along = (np.arange(RAYS, dtype=np.float32) + 0.5) / RAYS * 2 - 1
    origins = along[:, None, None] * across[:, None, None] + along[:, None] * down[:, None, None] \
        + 2 * back[:, None, None]
    directions = np.broadcast_to(-back[:, None, None], origins.shape)
    return np.concatenate((origins, directions), axis=-1).reshape(-1, 6).astype(np.float32)
