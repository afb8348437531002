"""How the distances of surface points from their tangent planes change with a small motion."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def motion_rows(points: NDArray[np.floating], normals: NDArray[np.floating], diameter_m: float
                ) -> Matrix:
    """Return the rows (n, 6) of point-to-plane registration, metres per metre.

    `points` and `normals` (n, 3) about the centre of an object. A row is how a distance changes
    with a turn about the centre, as the way of a point half a diameter from there, and a shift.
    """
    return np.hstack((np.cross(points, normals) / (diameter_m / 2), normals))


def curvature(rows: Matrix) -> Matrix:
    """Return the normal matrix (6, 6) per point of such rows: turn, shift."""
    normal: Matrix = rows.T @ rows / max(1, len(rows))
    return normal
