"""Plane outlines: signed distances to polygons, and the rounded corners that outlines need."""

from collections.abc import Sequence

import numpy as np

from pointpng_core.simulation.shapes.solids import Floats

Outline = Sequence[tuple[float, float]]


def polygon_distance(points: Floats, outline: Outline) -> Floats:
    """Signed distance (N,) of points (N, 2) to a simple polygon (K, 2), negative inside."""
    starts = np.asarray(outline, dtype=np.float64)
    squared = np.full(len(points), np.inf)
    inside = np.zeros(len(points), dtype=bool)
    for start, end in zip(starts, np.roll(starts, -1, axis=0)):
        squared = np.minimum(squared, _squared_to_edge(points, start, end))
        inside ^= _crosses(points, start, end)
    return np.where(inside, -1.0, 1.0) * np.sqrt(squared)


def arc(centre: tuple[float, float], radius_m: float, start_deg: float, end_deg: float,
        steps: int = 8) -> list[tuple[float, float]]:
    """Points along a circular arc, both ends included."""
    angles = np.radians(np.linspace(start_deg, end_deg, steps))
    return [(centre[0] + radius_m * float(np.cos(a)), centre[1] + radius_m * float(np.sin(a)))
            for a in angles]


def _squared_to_edge(points: Floats, start: Floats, end: Floats) -> Floats:
    edge, offset = end - start, points - start
    along = np.clip(offset @ edge / max(float(edge @ edge), 1e-18), 0, 1)
    squared: Floats = ((offset - along[:, None] * edge) ** 2).sum(axis=1)
    return squared


def _crosses(points: Floats, start: Floats, end: Floats) -> np.ndarray:
    """Whether the ray to +x from each point crosses the edge (even-odd rule)."""
    if start[1] == end[1]:
        return np.zeros(len(points), dtype=bool)
    spans = (start[1] > points[:, 1]) != (end[1] > points[:, 1])
    slope = (end[0] - start[0]) / (end[1] - start[1])
    return spans & (points[:, 0] < start[0] + slope * (points[:, 1] - start[1]))
