"""How objects move: each on its own, and all together because the camera does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
LEAST_OBJECTS = 3
"""Fewer do not fix how the camera moved."""
ROUNDS = 4
OWN_MOVE_M = 0.005
"""An object that moved so much further than the others has lost most of its weight among them."""
LEAST_SPREAD_M = 0.05
"""Objects nearer to one line than this tell nothing of a turn about it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """A steady motion, per unit of time: a turn about a centre and a shift of that centre."""

    turn_rad: Vector
    """(3,) rotation vector."""
    shift_m: Vector
    """(3,) metres."""

    def over(self, time: float, centre: Vector) -> Matrix:
        """Return the motion (4, 4) of some time, about a centre (3,)."""
        T = np.eye(4)
        T[:3, :3] = Rotation.from_rotvec(time * self.turn_rad).as_matrix()
        T[:3, 3] = centre + time * self.shift_m - T[:3, :3] @ centre
        return T

    def blended(self, other: 'Motion', share: float) -> 'Motion':
        """Return this motion with a share of another one."""
        return Motion(turn_rad=(1 - share) * self.turn_rad + share * other.turn_rad,
                      shift_m=(1 - share) * self.shift_m + share * other.shift_m)

    @classmethod
    def of(cls, T: Matrix, centre: Vector, time: float = 1.0) -> 'Motion':
        """Return what takes a time above zero to become the motion (4, 4), about a centre (3,)."""
        return cls(turn_rad=Rotation.from_matrix(T[:3, :3]).as_rotvec() / time,
                   shift_m=(T[:3] @ np.append(centre, 1.0) - centre) / time)


STILL = Motion(turn_rad=np.zeros(3), shift_m=np.zeros(3))


def common_motion(before_m: Sequence[Vector], after_m: Sequence[Vector]) -> Matrix | None:
    """Return the motion (4, 4) that most objects share, from where their centres (3,) were to now.

    Objects that stand still seem to move all together when the camera does. None when there are
    too few, or they stand in a line. Least squares (Kabsch 1976) with robust weights.
    """
    if len(before_m) < LEAST_OBJECTS:
        return None
    before, after = np.stack(before_m), np.stack(after_m)
    weights = np.ones(len(before))
    T = np.eye(4)
    for _ in range(ROUNDS):
        share = weights / weights.sum()
        a, b = before - share @ before, after - share @ after
        if np.linalg.svd(a * np.sqrt(share)[:, None], compute_uv=False)[1] < LEAST_SPREAD_M:
            return None
        left, _, right = np.linalg.svd((a * share[:, None]).T @ b)
        R = right.T @ np.diag([1.0, 1.0, np.linalg.det(right.T @ left.T)]) @ left.T
        T[:3, :3], T[:3, 3] = R, share @ after - R @ (share @ before)
        error_m = np.linalg.norm(before @ R.T + T[:3, 3] - after, axis=1)
        weights = 1.0 / (1.0 + (error_m / OWN_MOVE_M) ** 2) ** 2
    return T
