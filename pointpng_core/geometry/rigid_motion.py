"""Steady rigid motions: a turn about a centre and a shift of it, per unit of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """A steady motion, per unit of time: a turn about a centre and a shift of that centre."""

    rotation_rad: Vector
    """(3,) rotation vector."""
    shift_m: Vector
    """(3,) metres."""

    def over(self, time: float, centre: Vector) -> Matrix:
        """Return the motion (4, 4) of some time, about a centre (3,)."""
        T = np.eye(4)
        T[:3, :3] = Rotation.from_rotvec(time * self.rotation_rad).as_matrix()
        T[:3, 3] = centre + time * self.shift_m - T[:3, :3] @ centre
        return T

    def blended(self, other: 'Motion', share: float) -> 'Motion':
        """Return this motion with a share of another one."""
        return Motion(rotation_rad=(1 - share) * self.rotation_rad + share * other.rotation_rad,
                      shift_m=(1 - share) * self.shift_m + share * other.shift_m)

    @classmethod
    def of(cls, T: Matrix, centre: Vector, time: float = 1.0) -> 'Motion':
        """Return what takes a time above zero to become the motion (4, 4), about a centre (3,)."""
        return cls(rotation_rad=Rotation.from_matrix(T[:3, :3]).as_rotvec() / time,
                   shift_m=(T[:3] @ np.append(centre, 1.0) - centre) / time)


STILL = Motion(rotation_rad=np.zeros(3), shift_m=np.zeros(3))
