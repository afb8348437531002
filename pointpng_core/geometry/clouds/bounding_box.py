"""Boxes along the axes of a frame: around points, and what is in one (the region of interest)."""

import numpy as np
from numpy.typing import NDArray


def box_around(points: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centre and size (3,), metres, of the box around points (N, 3), along their axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((low + high) / 2, np.float64), np.asarray(high - low, np.float64)


def outside_blanked(points: NDArray[np.floating], low_m: NDArray[np.floating],
                    high_m: NDArray[np.floating],
                    T_box_cloud: NDArray[np.float64] | None = None) -> NDArray[np.floating]:
    """Return points (N, 3), metres, with NaN in place of those outside a box; rows stay rows.

    `low_m` and `high_m` (3,) are its opposite corners, along the axes of the box's own frame, into
    which `T_box_cloud` (4, 4) maps; None: the points' own frame. The border belongs to the box.
    """
    local = points
    if T_box_cloud is not None:
        with np.errstate(invalid='ignore'):      # clouds have holes
            local = points @ T_box_cloud[:3, :3].T.astype(points.dtype) + T_box_cloud[:3, 3]
    inside = ((local >= low_m) & (local <= high_m)).all(axis=1)
    kept = np.full_like(points, np.nan)
    kept[inside] = points[inside]
    return kept
