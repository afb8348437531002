"""Random camera poses that look at a place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROLL_DEG = 8.0
_OFF_TARGET_M = 0.02
_LEAST_GAP_M = 0.32
"""A depth camera reads nothing nearer than 0.3 m."""


@dataclass(frozen=True, kw_only=True)
class ViewRange:
    """From where a scene is seen: each value is drawn evenly between two limits."""

    distance_m: tuple[float, float]
    elevation_deg: tuple[float, float]
    azimuth_deg: tuple[float, float] = (-180.0, 180.0)


def draw_camera(view: ViewRange, points_m: NDArray[np.float64], rng: np.random.Generator
                ) -> NDArray[np.float64]:
    """Return T_world_camera (4, 4) of a camera that looks at about the middle of points (P, 3).

    The optical frame has x right, y down and z forward, rolled by a few degrees. The camera is
    moved away beyond the range of distances where points would be too near to be measured.
    """
    elevation, azimuth = np.radians([rng.uniform(*view.elevation_deg),
                                     rng.uniform(*view.azimuth_deg)])
    back = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
                     np.sin(elevation)])
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    down = np.cross(-back, right)
    roll = np.radians(rng.uniform(-_ROLL_DEG, _ROLL_DEG))
    target_m = (points_m.min(axis=0) + points_m.max(axis=0)) / 2
    target_m += rng.uniform(-_OFF_TARGET_M, _OFF_TARGET_M, 3)
    nearest_m = float(((points_m - target_m) @ back).max()) + _LEAST_GAP_M
    T_world_camera = np.eye(4)
    T_world_camera[:3, 0] = np.cos(roll) * right + np.sin(roll) * down
    T_world_camera[:3, 1] = np.cos(roll) * down - np.sin(roll) * right
    T_world_camera[:3, 2] = -back
    T_world_camera[:3, 3] = target_m + max(rng.uniform(*view.distance_m), nearest_m) * back
    return T_world_camera
