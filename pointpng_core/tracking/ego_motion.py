"""The motion of the camera, estimated from the motion that most tracked objects share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointpng_core.tracking.measurement import Measurement, posed_centre

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
MIN_OBJECTS = 3
"""Fewer centres do not determine a rigid motion."""
ITERATIONS = 4
OUTLIER_SCALE_M = 0.005
"""Residual at which an object that moves on its own has lost most of its weight."""
MIN_SPREAD_M = 0.05
"""Centres nearer to a common line than this do not determine the rotation about it."""


def camera_motion(measurements: Sequence[Measurement]) -> Matrix | None:
    """Return T_camera_previous (4, 4) from the tracked measurements of a frame; None: unknown.

    Only objects that were also posed in the previous frame count.
    """
    both = [(posed_centre(measurement.track.estimate, measurement.track.reference),
             posed_centre(measurement.posed, measurement.track.reference))
            for measurement in measurements if measurement.tracked and measurement.track
            and measurement.track.missed == 0]
    return common_motion([before for before, _ in both], [after for _, after in both])


def common_motion(before_m: Sequence[Vector], after_m: Sequence[Vector]) -> Matrix | None:
    """Return the motion (4, 4) that most objects share, from their centres (3,) before and after.

    Static objects seem to move together when the camera moves. None when there are too few, or
    when they lie on a line. Least squares (Kabsch 1976) with robust weights.
    """
    if len(before_m) < MIN_OBJECTS:
        return None
    before, after = np.stack(before_m), np.stack(after_m)
    weights = np.ones(len(before))
    T = np.eye(4)
    for _ in range(ITERATIONS):
        share = weights / weights.sum()
        a, b = before - share @ before, after - share @ after
        if np.linalg.svd(a * np.sqrt(share)[:, None], compute_uv=False)[1] < MIN_SPREAD_M:
            return None
        left, _, right = np.linalg.svd((a * share[:, None]).T @ b)
        R = right.T @ np.diag([1.0, 1.0, np.linalg.det(right.T @ left.T)]) @ left.T
        T[:3, :3], T[:3, 3] = R, share @ after - R @ (share @ before)
        error_m = np.linalg.norm(before @ R.T + T[:3, 3] - after, axis=1)
        weights = 1.0 / (1.0 + (error_m / OUTLIER_SCALE_M) ** 2) ** 2
    return T
