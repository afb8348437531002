"""How sure each direction of a pose is, from the normal equations of its registration.

Near the pose, the distances of the points from the surface are linear in a small turn and shift:
their rows J give the Hessian J^T J, their mean square s^2 the noise, and s^2 (J^T J)^-1 the
covariance (Censi 2007, for point-to-plane).
"""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.registration.residuals import plane_rows
from pointpng_core.estimation.uncertainty.observability import (
    FREE_CURVATURE,
    USED_POINTS,
    free_twists,
)
from pointpng_core.geometry.clouds import random_points
from pointpng_core.geometry.rigid_motion import curvature
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
INDEPENDENT_POINTS = 100
"""Neighbours err alike, and models are not exact: more points than these make nothing surer."""
LEAST_SIGMA_DIAMETERS = 0.002
"""No surface is known better."""
FREE_TURN_RAD2 = np.pi ** 2 / 3
"""Variance of an angle of which nothing is known."""
FREE_SHIFT_DIAMETERS = 0.5
"""Standard deviation of a place of which nothing is known but that the points are there."""


def pose_covariance(T_camera_reference: Matrix, points: NDArray[np.floating],
                    reference: Reference) -> Matrix:
    """Return the covariance (6, 6) of a registered pose in the order of PoseWithCovariance.

    `points` (n, 3) of the object in the camera's frame. Rows and columns: shift of the
    reference's origin along x, y, z in metres, then turn about x, y, z in radians, all in the
    axes of the camera's frame: R = exp(turn) R_true, t = t_true + shift. It tells about the
    neighbourhood of the pose: nothing of flips, nor of symmetric equals. What nothing that is
    seen holds, the spin of a can, has a variance as if nothing were known of it.
    """
    few = random_points(points, min(USED_POINTS, len(points)))
    rows, residual_m = plane_rows(T_camera_reference, few, reference)
    half_m = reference.diameter_m / 2
    free = np.repeat((1.0 / (half_m ** 2 * FREE_TURN_RAD2),
                      1.0 / (FREE_SHIFT_DIAMETERS * reference.diameter_m) ** 2), 3)
    certain = _held(rows, reference) * (min(len(points), INDEPENDENT_POINTS)
                                        / _noise_m2(residual_m, reference.diameter_m))
    scaled = np.linalg.inv(certain + np.diag(free))
    units = np.repeat((1.0 / half_m, 1.0), 3)
    about_centre = scaled * np.outer(units, units)  # turn in radians, shift
    A = _centre_to_origin(T_camera_reference[:3, :3], reference.centre)
    covariance: Matrix = A @ about_centre @ A.T
    return 0.5 * (covariance + covariance.T)


def rotated_covariance(covariance: Matrix, R_target_source: Matrix) -> Matrix:
    """Return a covariance (6, 6) along the axes of another frame.

    Of a pose moved by any transform with this rotation (3, 3): it is about the object's own origin
    in both frames, so that the shift between them does not matter.
    """
    turn = np.kron(np.eye(2), R_target_source)
    rotated: Matrix = turn @ covariance @ turn.T
    return rotated


def _held(rows: Matrix, reference: Reference) -> Matrix:
    """Return the curvature (6, 6) per point of what is held, scaled turn and shift."""
    values, axes = np.linalg.eigh(curvature(rows))
    held = (axes * np.clip(values - FREE_CURVATURE, 0.0, None)) @ axes.T
    for twist in free_twists(reference):
        keep = np.eye(6) - np.outer(twist, twist)
        held = keep @ held @ keep
    return held


def _noise_m2(residual_m: NDArray[np.float64], diameter_m: float) -> float:
    """Return the variance of the distances (n,) of points from the surface."""
    freedom = max(1, len(residual_m) - 6)
    return max(float(residual_m @ residual_m) / freedom, (LEAST_SIGMA_DIAMETERS * diameter_m) ** 2)


def _centre_to_origin(R_camera_reference: Matrix, centre: NDArray[np.float64]) -> Matrix:
    """Return what takes (turn, shift) about the centre in the reference's axes to ROS's order.

    (6, 6): shift of the origin and turn in the camera's axes; the adjoint of the pose.
    """
    R = R_camera_reference
    return np.block([[R @ np.cross(centre, np.eye(3)).T, R], [R, np.zeros((3, 3))]])
