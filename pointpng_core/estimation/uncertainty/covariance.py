"""The covariance of a pose, from the normal equations of its registration.

Near the pose, the distances of the points from the surface are linear in a small rotation and
shift: their rows J give the Hessian J^T J, their mean square s^2 the noise, and s^2 (J^T J)^-1 the
covariance (Censi 2007, for point-to-plane).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.uncertainty.observability import (
    FREE_CURVATURE,
    USED_POINTS,
    free_twists,
    plane_rows,
)
from pointpng_core.geometry.clouds import random_points
from pointpng_core.geometry.depth_noise import LEAST_SIGMA_DIAMETERS
from pointpng_core.geometry.rigid_motion import curvature
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
INDEPENDENT_POINTS = 100
"""Neighbouring points have similar errors, and models are not exact: more points than these do not
lower the variance."""
FREE_ROTATION_RAD2 = np.pi ** 2 / 3
"""Variance of an angle that is uniformly distributed."""
FREE_SHIFT_DIAMETERS = 0.5
"""Standard deviation of a position of which only the place of the points is known."""


def pose_covariance(T_camera_reference: Matrix, points: NDArray[np.floating],
                    reference: Reference, *, unconstrained: Sequence[Vector] = ()) -> Matrix:
    """Return the covariance (6, 6) of a registered pose in the order of PoseWithCovariance.

    `points` (n, 3) of the object in the camera's frame. Rows and columns: shift of the
    reference's origin along x, y, z in metres, then rotation about x, y, z in radians, all in the
    axes of the camera's frame: R = exp(rotation) R_true, t = t_true + shift. It describes the
    neighbourhood of the pose, neither flips nor symmetric equals. An unobservable direction, such
    as the rotation of a can about its axis, has the variance of a uniform prior; so have the
    `unconstrained` twists (6,) of `Observability`, whatever the points seem to say about them.
    """
    few = random_points(points, min(USED_POINTS, len(points)))
    rows, residual_m = plane_rows(T_camera_reference, few, reference)
    half_m = reference.diameter_m / 2
    prior = np.repeat((1.0 / (half_m ** 2 * FREE_ROTATION_RAD2),
                       1.0 / (FREE_SHIFT_DIAMETERS * reference.diameter_m) ** 2), 3)
    unknown = [*free_twists(reference), *unconstrained]
    information = _observed(rows, unknown) * (min(len(points), INDEPENDENT_POINTS)
                                                / _noise_m2(residual_m, reference.diameter_m))
    scaled = np.linalg.inv(information + np.diag(prior))
    units = np.repeat((1.0 / half_m, 1.0), 3)
    about_centre = scaled * np.outer(units, units)  # rotation in radians, shift in metres
    A = _centre_to_origin(T_camera_reference[:3, :3], reference.centre)
    covariance: Matrix = A @ about_centre @ A.T
    return 0.5 * (covariance + covariance.T)


def rotated_covariance(covariance: Matrix, R_target_source: Matrix) -> Matrix:
    """Return the covariance (6, 6) of a pose along the axes of another frame.

    R_target_source (3, 3) is the rotation of the transform to that frame. Its shift does not
    matter: a covariance is about the object's own origin in both frames.
    """
    R = np.kron(np.eye(2), R_target_source)
    rotated: Matrix = R @ covariance @ R.T
    return rotated


def _observed(rows: Matrix, unknown: Sequence[Vector]) -> Matrix:
    """Return the curvature (6, 6) per point of the observable directions.

    Scaled rotation and shift, as in `motion_rows`; the twists (6,) that are unknown have none.
    """
    values, axes = np.linalg.eigh(curvature(rows))
    observed = (axes * np.clip(values - FREE_CURVATURE, 0.0, None)) @ axes.T
    for twist in unknown:
        keep = np.eye(6) - np.outer(twist, twist)
        observed = keep @ observed @ keep
    return observed


def _noise_m2(residual_m: NDArray[np.float64], diameter_m: float) -> float:
    """Return the variance of the distances (n,) of points from the surface."""
    freedom = max(1, len(residual_m) - 6)
    return max(float(residual_m @ residual_m) / freedom, (LEAST_SIGMA_DIAMETERS * diameter_m) ** 2)


def _centre_to_origin(R_camera_reference: Matrix, centre: NDArray[np.float64]) -> Matrix:
    """Return the map (6, 6) from motion about the centre to that of the origin: the adjoint.

    From (rotation, shift) in the reference's axes to (shift, rotation) in the camera's axes, the
    order of ROS.
    """
    R = R_camera_reference
    return np.block([[R @ np.cross(centre, np.eye(3)).T, R], [R, np.zeros((3, 3))]])
