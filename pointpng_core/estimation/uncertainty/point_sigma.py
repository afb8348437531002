"""How sure a point of an object is, from the covariance of the object's pose."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def point_sigma_m(covariance: Matrix, arm_m: NDArray[np.float64]) -> float:
    """Return the standard deviation of a point of the object in its least sure direction, metres.

    `covariance` (6, 6) of the pose as
    `covariance.pose_covariance` gives it; `arm_m` (3,) from the object's
    origin to the point, along the same axes. A turn about an axis through the point moves it not:
    a can may spin as it likes, a point on its axis is known.
    """
    J = np.hstack((np.eye(3), -np.cross(np.eye(3), arm_m)))
    about_point = J @ covariance @ J.T
    if not np.isfinite(about_point).all():
        return float('nan')
    return float(np.sqrt(max(0.0, np.linalg.eigvalsh(about_point)[-1])))
