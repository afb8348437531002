"""Which points of a cloud a camera could see: a depth buffer of splatted points."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
import torch

from pointpng_core.geometry.so3 import frame_towards

SPLAT_SPACINGS = 1.5
"""Width of a pixel in point spacings: wide enough that a surface has no holes."""
DEPTH_PIXELS = 2.0
"""How far behind the front of its pixel a point may lie and still be seen: slanted surfaces."""
SLANT_PIXELS, STEEPEST = 1.5, 3.0
"""The same where the slant is known, over its slope, and the largest slope that is told from what
lies behind."""


def view_frames(directions: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return rotations (V, 3, 3) that turn each direction (V, 3) to +z."""
    return frame_towards(torch.from_numpy(directions.astype(np.float64))).numpy()


def visible_points(points: NDArray[np.floating], camera: NDArray[np.floating], *, spacing_m: float,
                   normals: NDArray[np.floating] | None = None) -> NDArray[np.bool_]:
    """Return a mask (N,) of the points (N, 3) that a camera at (3,) sees for sure.

    The points lie about the origin. Normals, when they are known to point outwards, settle what a
    coarse buffer cannot: a surface that faces away is not seen, however thin the object is.
    """
    behind_m, pixel_m = _depth_behind(points, camera, spacing_m)
    seen: NDArray[np.bool_] = behind_m <= DEPTH_PIXELS * pixel_m
    return seen if normals is None else seen & (_cosines(points, camera, normals) > 0)


def shown_points(points: NDArray[np.floating], camera: NDArray[np.floating], *, spacing_m: float,
                 normals: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return a mask (N,) of the points (N, 3) that a camera at (3,) shows, walls it grazes too.

    Along a wall that is seen under a slant the depth changes within a pixel, so that more of it
    lies behind the front; the normals (N, 3), of either sign, tell how much.
    """
    behind_m, pixel_m = _depth_behind(points, camera, spacing_m)
    cosine = np.clip(np.abs(_cosines(points, camera, normals)), 1e-3, 1.0)
    slope = np.clip(np.sqrt(1.0 - cosine ** 2) / cosine, 1.0, STEEPEST)
    shown: NDArray[np.bool_] = behind_m <= SLANT_PIXELS * pixel_m * slope
    return shown


def _depth_behind(points: NDArray[np.floating], camera: NDArray[np.floating], spacing_m: float
                  ) -> tuple[NDArray[np.float64], float]:
    """Return how far points (N,) lie behind the nearest one around their pixel, and its width."""
    distance = float(np.linalg.norm(camera))
    x, y, z = (view_frames(camera[None] / distance)[0] @ points.T).astype(np.float64)
    depth = distance - z
    pixel = SPLAT_SPACINGS * spacing_m / distance
    columns = np.floor(np.stack((x, y)) / depth / pixel).astype(np.int64)
    columns -= columns.min(axis=1, keepdims=True)
    nearest = np.full(columns.max(axis=1) + 1, -np.inf)
    np.maximum.at(nearest, (columns[0], columns[1]), -depth)
    front = -maximum_filter(nearest, size=3, mode='constant', cval=-np.inf)
    return depth - front[columns[0], columns[1]], pixel * distance


def _cosines(points: NDArray[np.floating], camera: NDArray[np.floating],
             normals: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (N,) how far normals (N, 3) point to the camera: the cosine of the angle."""
    rays = camera - points
    cosines: NDArray[np.float64] = (rays * normals).sum(axis=1) / np.linalg.norm(rays, axis=1)
    return cosines
