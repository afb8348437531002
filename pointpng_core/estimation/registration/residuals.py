"""How the distances of points from a surface change with the pose: what holds it, and how well."""

import numpy as np
from numpy.typing import NDArray
import torch

from pointpng_core.geometry.rigid_motion import motion_rows
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
NEAR_DIAMETERS = 0.03
"""Points further from the surface say nothing about the pose."""


def plane_rows(T_camera_reference: Matrix, points: NDArray[np.floating], reference: Reference
               ) -> tuple[Matrix, NDArray[np.float64]]:
    """Return the rows (m, 6) of point-to-plane registration, and the distances (m,) in metres.

    `points` (n, 3) in the camera's frame, of which the m near the surface count. The rows are
    those of `motion_rows`, about the reference's centre and in its axes.
    """
    T = T_camera_reference
    local = (points.astype(np.float64) - T[:3, 3]) @ T[:3, :3] - reference.centre
    queries = torch.from_numpy(local).to(reference.field.surface)[None]
    own = torch.zeros(1, dtype=torch.long, device=queries.device)
    nearest, normals = (part[0].double().cpu().numpy()
                        for part in reference.field.look_up(own, queries))
    offset = local - nearest
    near = np.linalg.norm(offset, axis=1) < NEAR_DIAMETERS * reference.diameter_m
    rows = motion_rows(local, normals, reference.diameter_m)
    return rows[near], np.einsum('ij,ij->i', offset, normals)[near]
