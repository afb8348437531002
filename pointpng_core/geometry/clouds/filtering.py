"""Filters applied before anything else: finite points, and points inside a box."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError


def finite_rows(points: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return a mask (N,) of the points (N, 3) whose three coordinates are finite."""
    finite = np.isfinite(points)
    return finite[:, 0] & finite[:, 1] & finite[:, 2]  # all(axis=1) takes nine times as long


def require_points(points: NDArray[np.generic], *, least: int, what: str) -> NDArray[np.float32]:
    """Return the finite points as float32 (N, 3); raises CloudError when fewer than `least`."""
    array = np.asarray(points)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in 'fiu':
        raise CloudError(f'{what}: expected an (N, 3) array of numbers, got shape {array.shape} '
                         f'of {array.dtype}')
    with np.errstate(over='ignore'):
        array = array.astype(np.float32, copy=False)
    kept = array[finite_rows(array)]
    if len(kept) < least:
        raise CloudError(f'{what}: {len(kept)} finite points of {len(array)}; at least {least} '
                         'are needed')
    return kept


def outside_blanked(points: NDArray[np.floating], low_m: NDArray[np.floating],
                    high_m: NDArray[np.floating],
                    T_box_cloud: NDArray[np.float64] | None = None) -> NDArray[np.floating]:
    """Return points (N, 3), metres, with NaN in place of those outside a box.

    `low_m` and `high_m` (3,) are opposite corners along the axes of the box's own frame, into
    which `T_box_cloud` (4, 4) maps; None means that it is the frame of the points. Points on the
    border are inside.
    """
    local = points
    if T_box_cloud is not None:
        with np.errstate(invalid='ignore'):      # organised clouds hold NaN
            local = points @ T_box_cloud[:3, :3].T.astype(points.dtype) + T_box_cloud[:3, 3]
    inside = ((local >= low_m) & (local <= high_m)).all(axis=1)
    kept = np.full_like(points, np.nan)
    kept[inside] = points[inside]
    return kept
