"""Errors of a relative pose."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from pointpng_core.geometry.rigid_motion import transform

Matrix = NDArray[np.float64]

GOOD_RATIO = 1.05
"""An estimate is as good as the truth if its residual is at most this times the true pose's."""
FLOOR = 1e-3
"""Least true residual, as a share of the extent: between equal clouds it is only rounding."""


def rotation_error_deg(T_estimate: Matrix, T_truth: Matrix) -> float:
    """Return the angle between the rotations of two poses (4, 4), degrees in [0, 180]."""
    error = Rotation.from_matrix(T_estimate[:3, :3].T @ T_truth[:3, :3])
    return float(np.degrees(error.magnitude()))


def extent_diagonal(points: NDArray[np.floating]) -> float:
    """Return the diagonal of the axis-aligned box of points (N, 3): the diameter of ADD-S here."""
    return float(np.linalg.norm(np.ptp(points.astype(np.float64), axis=0)))


def add_s(points: NDArray[np.floating], T_estimate: Matrix, T_truth: Matrix) -> float:
    """Return ADD-S (Xiang 2018), in the unit of the points.

    Mean distance from the model (N, 3) at the true pose to the nearest point of the model at the
    estimated one. A rotation by a symmetry of the object adds only the spacing of the points.
    """
    moved = cKDTree(transform(T_estimate, points))
    return float(moved.query(transform(T_truth, points))[0].mean())


def residual(source: NDArray[np.floating], target: NDArray[np.floating], T_target_source: Matrix
             ) -> float:
    """Return the mean distance from target points (N, 3) to the nearest moved source point."""
    return float(cKDTree(transform(T_target_source, source)).query(target)[0].mean())


def as_good_as_truth(source: NDArray[np.floating], target: NDArray[np.floating],
                     T_estimate: Matrix, T_truth: Matrix) -> bool:
    """Return whether the residual of an estimate is about as small as that of the true pose.

    This is the measure for symmetric objects, whose rotation error is ambiguous.
    """
    truth = max(residual(source, target, T_truth), FLOOR * extent_diagonal(target))
    return residual(source, target, T_estimate) <= GOOD_RATIO * truth
