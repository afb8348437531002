"""Boxes with rounded edges."""

import numpy as np

from pointpng_core.simulation.shapes.solids import Floats, Solid


def box(low: tuple[float, float, float], high: tuple[float, float, float], *,
        rounding_m: float = 0.002) -> Solid:
    """An axis-parallel box between two corners, in metres, edges rounded by `rounding_m`."""
    lower, upper = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    centre, half = (lower + upper) / 2, (upper - lower) / 2 - rounding_m

    def distance(points: Floats) -> Floats:
        excess = np.abs(points - centre) - half
        outside = np.linalg.norm(np.clip(excess, 0, None), axis=1)
        rounded: Floats = outside + np.minimum(excess.max(axis=1), 0) - rounding_m
        return rounded
    return Solid(distance=distance, low=lower, high=upper)
