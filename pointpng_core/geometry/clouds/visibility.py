"""Which points of a cloud are visible to a camera, by a depth buffer of splatted points."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
import torch

from pointpng_core.geometry.so3 import frame_towards

SPLAT_SPACINGS = 1.5
"""Width of a pixel in point spacings; wide enough that a surface has no holes."""
DEPTH_PIXELS = 2.0
"""How far, in pixel widths, a visible point may lie behind the nearest one around its pixel."""
SLANT_PIXELS, MAX_SLOPE = 1.5, 3.0
"""The same per unit of slope, where normals give the slope of the surface, and the largest slope
for which a grazing surface is still distinguished from an occluded one."""


def view_frames(directions: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return rotations (V, 3, 3) that map each direction (V, 3) to +z."""
    return frame_towards(torch.from_numpy(directions.astype(np.float64))).numpy()


def visible_points(points: NDArray[np.floating], camera: NDArray[np.floating], *, spacing_m: float,
                   normals: NDArray[np.floating] | None = None) -> NDArray[np.bool_]:
    """Return a mask (N,) of the points (N, 3) that are certainly visible to a camera at (3,).

    The points lie about the origin, metres. Normals (N, 3), if they are known to point outwards,
    decide where the coarse depth buffer cannot: a surface that faces away is invisible, however
    thin the object is.
    """
    behind_m, pixel_m = _depth_behind(points, camera, spacing_m)
    visible: NDArray[np.bool_] = behind_m <= DEPTH_PIXELS * pixel_m
    return visible if normals is None else visible & (_cosines(points, camera, normals) > 0)


def visible_or_grazing_points(points: NDArray[np.floating], camera: NDArray[np.floating], *,
                              spacing_m: float, normals: NDArray[np.floating]
                              ) -> NDArray[np.bool_]:
    """Return a mask (N,) of the points (N, 3) visible to a camera at (3,), also at grazing angles.

    The depth of a slanted surface varies within a pixel, so that points may lie further behind the
    nearest one. The slope comes from the normals (N, 3), of either sign.
    """
    behind_m, pixel_m = _depth_behind(points, camera, spacing_m)
    cosine = np.clip(np.abs(_cosines(points, camera, normals)), 1e-3, 1.0)
    slope = np.clip(np.sqrt(1.0 - cosine ** 2) / cosine, 1.0, MAX_SLOPE)
    visible: NDArray[np.bool_] = behind_m <= SLANT_PIXELS * pixel_m * slope
    return visible


def _depth_behind(points: NDArray[np.floating], camera: NDArray[np.floating], spacing_m: float
                  ) -> tuple[NDArray[np.float64], float]:
    """Return the depth (N,) of points behind the nearest one around their pixel, and its width."""
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
    """Return the cosines (N,) of the angles between normals (N, 3) and the rays to the camera."""
    rays = camera - points
    cosines: NDArray[np.float64] = (rays * normals).sum(axis=1) / np.linalg.norm(rays, axis=1)
    return cosines
