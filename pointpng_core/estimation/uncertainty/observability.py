"""How firmly what is seen holds a pose: a mug whose handle is hidden may be turned at will."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, null_space

from pointpng_core.estimation.registration.residuals import plane_rows
from pointpng_core.geometry.clouds import random_points
from pointpng_core.geometry.rigid_motion import Motion, curvature
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
USED_POINTS = 256
"""Of an observation: a curvature is a mean, which these tell."""
FREE_CURVATURE = 0.002
"""What a direction that nothing holds shows all the same, for the surface is known by points."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Observability:
    """The direction of a pose that is held least, beside what the whole surface would hold."""

    share: float
    """Of the hold that the whole surface would give; near 0 when what holds it is hidden."""
    twist: Vector
    """(6,) of length 1: turn, as the way of a point half a diameter from the centre, and shift of
    the centre, in the reference's axes."""

    def moved(self, T: Matrix, reference: Reference, *, step: float) -> Matrix:
        """Return the pose (4, 4) moved along the twist by `step` half diameters."""
        motion = Motion(rotation_rad=step * self.twist[:3],
                        shift_m=step * reference.diameter_m / 2 * self.twist[3:])
        return T @ motion.over(1.0, reference.centre)


def pose_observability(T_camera_reference: Matrix, points: NDArray[np.floating], reference: Reference
              ) -> Observability:
    """Return how the points (n, 3) of an object hold its pose (4, 4), least of all.

    How much of a unit of motion is seen as distance from the surface is the curvature of
    registration along it; the share of the whole surface's curvature that is left is least along
    the first generalised eigenvector of the two. What the whole surface does not hold either, the
    spin of what is round, does not count: nothing of that is hidden.
    """
    few = random_points(points, min(USED_POINTS, len(points)))
    rows, _ = plane_rows(T_camera_reference, few, reference)
    basis = _held_by_all(reference)
    whole = reference.curvature + FREE_CURVATURE * np.eye(6)
    values, vectors = eigh(basis.T @ curvature(rows) @ basis, basis.T @ whole @ basis)
    twist = basis @ vectors[:, 0]
    return Observability(share=float(values[0]), twist=twist / np.linalg.norm(twist))


def _held_by_all(reference: Reference) -> Matrix:
    """Return directions (6, k) that the whole surface holds, orthonormal."""
    in_plane_rotations = free_twists(reference)
    basis = null_space(np.stack(in_plane_rotations)) if len(in_plane_rotations) else np.eye(6)
    values, vectors = np.linalg.eigh(basis.T @ reference.curvature @ basis)
    held: Matrix = basis @ vectors[:, values > FREE_CURVATURE]
    return held


def free_twists(reference: Reference) -> Sequence[Vector]:
    """Return orthonormal turns (6,) about continuous axes, which no observation can tell."""
    in_plane_rotations = [np.concatenate((axis, np.cross(point - reference.centre, axis)
                              / (reference.diameter_m / 2)))
              for point, axis in reference.symmetry.free_axes()]
    return np.linalg.qr(np.array(in_plane_rotations).T)[0].T if in_plane_rotations else ()
