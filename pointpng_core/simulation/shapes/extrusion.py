"""Plates: a plane outline pushed along z."""

import numpy as np

from pointpng_core.simulation.shapes.polygons import Outline, polygon_distance
from pointpng_core.simulation.shapes.solids import Floats, Solid


def extrude(outline: Outline, *, low_m: float, high_m: float, rounding_m: float = 0.0) -> Solid:
    """Push a closed (x, y) outline from z = low to z = high; edges rounded by `rounding_m`."""
    corners = np.asarray(outline, dtype=np.float64)
    middle, half = (low_m + high_m) / 2, (high_m - low_m) / 2

    def distance(points: Floats) -> Floats:
        side = polygon_distance(points[:, :2], outline) + rounding_m
        cap = np.abs(points[:, 2] - middle) - half + rounding_m
        outside = np.hypot(np.clip(side, 0, None), np.clip(cap, 0, None))
        rounded: Floats = outside + np.minimum(np.maximum(side, cap), 0) - rounding_m
        return rounded
    return Solid(distance=distance, low=np.array([*corners.min(axis=0), low_m]),
                 high=np.array([*corners.max(axis=0), high_m]))
