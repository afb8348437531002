"""Rigid motions: of points, at constant velocity, and their effect on point-to-plane distances."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.errors import CloudError

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
RIGID_TOLERANCE = 1e-4
"""Largest deviation of R R^T from the identity: tf and files give rotations in float32."""
STRAIGHT_DOWN = 1e-6
"""Sine of the angle to the vertical below which a direction has no upright image."""


def transform(T: Matrix, points: NDArray[np.floating]) -> Matrix:
    """Return points (N, 3) moved by T (4, 4)."""
    return points.astype(np.float64) @ T[:3, :3].T + T[:3, 3]


def inverse(T: Matrix) -> Matrix:
    """Return the inverse (4, 4) of a rigid motion (4, 4)."""
    inverted = np.eye(4)
    inverted[:3, :3] = T[:3, :3].T
    inverted[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return inverted


def is_rigid(T: NDArray[np.floating]) -> bool:
    """Return whether an array is a rotation and a shift (4, 4), all finite."""
    if np.shape(T) != (4, 4) or not np.isfinite(T).all():
        return False
    R = np.asarray(T)[:3, :3]
    return bool(np.allclose(R @ R.T, np.eye(3), atol=RIGID_TOLERANCE) and np.linalg.det(R) > 0
                and np.allclose(T[3], (0, 0, 0, 1)))


def looking_at(position_m: Vector, target_m: Vector) -> Matrix:
    """Return the pose (4, 4) of a camera's optical frame in a frame whose z axis is up (REP 103).

    The camera at `position_m` (3,) looks at `target_m` (3,) with an upright image, whose y axis
    points down; looking straight up or down, the top of the image is towards +x. Raises
    CloudError for a position that is no three finite numbers, or the target itself.
    """
    if position_m.shape != (3,) or not np.isfinite(position_m).all():
        raise CloudError(f'sensor position {position_m.tolist()}: expected three finite numbers '
                         'x, y, z in metres')
    forward = target_m - position_m
    length_m = np.linalg.norm(forward)
    if not length_m > 0:
        raise CloudError(f'sensor position {position_m.tolist()}: it is the centroid of the '
                         'points, which a sensor there cannot have seen')
    forward = forward / length_m
    right = np.cross(forward, (0.0, 0.0, 1.0))
    if np.linalg.norm(right) < STRAIGHT_DOWN:
        right = np.cross(forward, (1.0, 0.0, 0.0))
    right /= np.linalg.norm(right)
    T = np.eye(4)
    T[:3, :3] = np.stack((right, np.cross(forward, right), forward), axis=1)
    T[:3, 3] = position_m
    return T


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
