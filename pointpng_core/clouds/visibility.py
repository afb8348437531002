"""Which points of a cloud a camera could see: a depth buffer of splatted points."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
import torch

from pointpng_core.so3 import frame_towards

SPLAT_SPACINGS = 1.5
"""Width of a pixel in point spacings: wide enough that a surface has no holes."""
DEPTH_PIXELS = 2.0
"""How far behind the front of its pixel a point may lie and still be seen: slanted surfaces."""


def view_frames(directions: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return rotations (V, 3, 3) that turn each direction (V, 3) to +z."""
    return frame_towards(torch.from_numpy(directions.astype(np.float64))).numpy()


def visible_points(points: NDArray[np.floating], camera: NDArray[np.floating], *, spacing_m: float,
                   normals: NDArray[np.floating] | None = None) -> NDArray[np.bool_]:
    """Return a mask (N,) of the points (N, 3) about the origin that a camera at (3,) sees.

    Normals, when they are known to point outwards, settle what a coarse buffer cannot: a surface
    that faces away is not seen, however thin the object is.
    """
    distance = float(np.linalg.norm(camera))
    x, y, z = (view_frames(camera[None] / distance)[0] @ points.T).astype(np.float64)
    depth = distance - z
    pixel = SPLAT_SPACINGS * spacing_m / distance
    columns = np.floor(np.stack((x, y)) / depth / pixel).astype(np.int64)
    columns -= columns.min(axis=1, keepdims=True)
    nearest = np.full(columns.max(axis=1) + 1, -np.inf)
    np.maximum.at(nearest, (columns[0], columns[1]), -depth)
    front = -maximum_filter(nearest, size=3, mode='constant', cval=-np.inf)
    seen = depth <= front[columns[0], columns[1]] + DEPTH_PIXELS * pixel * distance
    if normals is not None:
        seen &= ((camera - points) * normals).sum(axis=1) > 0
    return seen
