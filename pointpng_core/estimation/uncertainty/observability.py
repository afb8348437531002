"""Observability of a pose: a mug whose handle is occluded may be rotated without any residual."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, null_space
import torch

from pointpng_core.geometry.clouds import random_points
from pointpng_core.geometry.rigid_motion import Motion, curvature, motion_rows
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
USED_POINTS = 256
"""Points of an observation that are used: enough for a curvature, which is a mean."""
FREE_CURVATURE = 0.002
"""Curvature of an unconstrained direction, which is not 0 because a surface is known by points."""
NEAR_DIAMETERS = 0.03
"""Points further from the surface say nothing about the pose."""


def plane_rows(T_camera_reference: Matrix, points: NDArray[np.floating], reference: Reference
               ) -> tuple[Matrix, NDArray[np.float64]]:
    """Return the rows (m, 6) of point-to-plane registration, and the distances (m,) in metres.

    `points` (n, 3) are in the camera's frame, and the m near the surface count. The rows are those
    of `motion_rows`, about the reference's centre and in its axes.
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Observability:
    """The least constrained direction of a pose, relative to the full surface."""

    share: float
    """Curvature along the twist over that of the full surface; near 0 when what would constrain it
    is not visible."""
    twist: Vector
    """(6,) of length 1: rotation, as the path of a point half a diameter from the centre, and
    shift of the centre, in the reference's axes."""

    def moved(self, T: Matrix, reference: Reference, *, step: float) -> Matrix:
        """Return the pose (4, 4) moved along the twist by `step` half diameters."""
        motion = Motion(rotation_rad=step * self.twist[:3],
                        shift_m=step * reference.diameter_m / 2 * self.twist[3:])
        return T @ motion.over(1.0, reference.centre)


def pose_observability(T_camera_reference: Matrix, points: NDArray[np.floating],
                       reference: Reference) -> Observability:
    """Return how well the points (n, 3) of an object constrain its pose (4, 4), at least.

    The curvature of registration along a motion is the squared distance from the surface per unit
    of it. The share of the full surface's curvature that the visible points have is least along
    the first generalised eigenvector of the two. Directions that the full surface does not
    constrain either, such as the rotation of a can about its axis, do not count.
    """
    few = random_points(points, min(USED_POINTS, len(points)))
    rows, _ = plane_rows(T_camera_reference, few, reference)
    basis = _constrained_by_full_surface(reference)
    full = reference.curvature + FREE_CURVATURE * np.eye(6)
    values, vectors = eigh(basis.T @ curvature(rows) @ basis, basis.T @ full @ basis)
    twist = basis @ vectors[:, 0]
    return Observability(share=float(values[0]), twist=twist / np.linalg.norm(twist))


def _constrained_by_full_surface(reference: Reference) -> Matrix:
    """Return orthonormal directions (6, k) that the full surface constrains."""
    twists = free_twists(reference)
    basis = null_space(np.stack(twists)) if len(twists) else np.eye(6)
    values, vectors = np.linalg.eigh(basis.T @ reference.curvature @ basis)
    constrained: Matrix = basis @ vectors[:, values > FREE_CURVATURE]
    return constrained


def free_twists(reference: Reference) -> Sequence[Vector]:
    """Return orthonormal rotations (6,) about continuous symmetry axes, which are unobservable."""
    twists = [np.concatenate((axis, np.cross(point - reference.centre, axis)
                              / (reference.diameter_m / 2)))
              for point, axis in reference.symmetry.free_axes()]
    return np.linalg.qr(np.array(twists).T)[0].T if twists else ()
