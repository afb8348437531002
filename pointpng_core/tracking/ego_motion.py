"""How objects move: each on its own, and all together because the camera does."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
LEAST_OBJECTS = 3
"""Fewer do not fix how the camera moved."""
ROUNDS = 4
OWN_MOVE_M = 0.005
"""An object that moved so much further than the others has lost most of its weight among them."""
LEAST_SPREAD_M = 0.05
"""Objects nearer to one line than this tell nothing of a turn about it."""


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
