"""Rigid motions: of points, at constant velocity, and their effect on point-to-plane distances."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


def transform(T: Matrix, points: NDArray[np.floating]) -> Matrix:
    """Return points (N, 3) moved by T (4, 4)."""
    return points.astype(np.float64) @ T[:3, :3].T + T[:3, 3]


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """A constant velocity: rotation about a centre and shift of that centre per unit of time."""

    rotation_rad: Vector
    """(3,) rotation vector."""
    shift_m: Vector
    """(3,) metres."""

    def over(self, time: float, centre: Vector) -> Matrix:
        """Return the motion (4, 4) during a time, for the centre (3,) at its beginning."""
        T = np.eye(4)
        T[:3, :3] = Rotation.from_rotvec(time * self.rotation_rad).as_matrix()
        T[:3, 3] = centre + time * self.shift_m - T[:3, :3] @ centre
        return T

    def blended(self, other: 'Motion', share: float) -> 'Motion':
        """Return the weighted mean of this motion and another one of weight `share`."""
        return Motion(rotation_rad=(1 - share) * self.rotation_rad + share * other.rotation_rad,
                      shift_m=(1 - share) * self.shift_m + share * other.shift_m)

    @classmethod
    def of(cls, T: Matrix, centre: Vector, time: float = 1.0) -> 'Motion':
        """Return the velocity of a motion (4, 4) about a centre (3,) during a time above zero."""
        return cls(rotation_rad=Rotation.from_matrix(T[:3, :3]).as_rotvec() / time,
                   shift_m=(T[:3] @ np.append(centre, 1.0) - centre) / time)


STILL = Motion(rotation_rad=np.zeros(3), shift_m=np.zeros(3))


def motion_rows(points: NDArray[np.floating], normals: NDArray[np.floating], diameter_m: float
                ) -> Matrix:
    """Return the Jacobian (n, 6) of point-to-plane distances, metres per metre.

    `points` and `normals` (n, 3) are relative to the centre of an object. The first three columns
    belong to a rotation about the centre, expressed as the path of a point half a diameter from
    it; the last three to a translation.
    """
    return np.hstack((np.cross(points, normals) / (diameter_m / 2), normals))


def curvature(rows: Matrix) -> Matrix:
    """Return the normal matrix (6, 6) per point of the rows of `motion_rows`: rotation, shift."""
    normal: Matrix = rows.T @ rows / max(1, len(rows))
    return normal


def point_sigma_m(covariance: Matrix, arm_m: NDArray[np.float64]) -> float:
    """Return the standard deviation of a point of the object in its worst direction, metres.

    `covariance` (6, 6) of the pose as `pose_covariance` returns it; `arm_m` (3,) from the object's
    origin to the point, along the same axes. A rotation about an axis through the point does not
    move it: a point on the axis of a can is known though the can's rotation is not.
    """
    J = np.hstack((np.eye(3), -np.cross(np.eye(3), arm_m)))
    about_point = J @ covariance @ J.T
    if not np.isfinite(about_point).all():
        return float('nan')
    return float(np.sqrt(max(0.0, np.linalg.eigvalsh(about_point)[-1])))
