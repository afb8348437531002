"""Primitive solids: boxes, extrusions, solids of revolution, tubes; and the outlines they need."""

from collections.abc import Sequence

import numpy as np

from pointpng_core.simulation.shapes.solids import Floats, Solid

Outline = Sequence[tuple[float, float]]


def polygon_distance(points: Floats, outline: Outline) -> Floats:
    """Return signed distances (N,) of points (N, 2) to a polygon (K, 2), negative inside."""
    starts = np.asarray(outline, dtype=np.float64)
    squared = np.full(len(points), np.inf)
    inside = np.zeros(len(points), dtype=bool)
    for start, end in zip(starts, np.roll(starts, -1, axis=0)):
        squared = np.minimum(squared, _squared_to_edge(points, start, end))
        inside ^= _crosses(points, start, end)
    return np.where(inside, -1.0, 1.0) * np.sqrt(squared)


def arc(centre: tuple[float, float], radius_m: float, start_deg: float, end_deg: float,
        steps: int = 8) -> list[tuple[float, float]]:
    """Return points along a circular arc, both ends included."""
    angles = np.radians(np.linspace(start_deg, end_deg, steps))
    return [(centre[0] + radius_m * float(np.cos(a)), centre[1] + radius_m * float(np.sin(a)))
            for a in angles]


def _squared_to_edge(points: Floats, start: Floats, end: Floats) -> Floats:
    edge, offset = end - start, points - start
    along = np.clip(offset @ edge / max(float(edge @ edge), 1e-18), 0, 1)
    squared: Floats = ((offset - along[:, None] * edge) ** 2).sum(axis=1)
    return squared


def _crosses(points: Floats, start: Floats, end: Floats) -> np.ndarray:
    """Return whether the ray to +x from each point crosses the edge (even-odd rule)."""
    if start[1] == end[1]:
        return np.zeros(len(points), dtype=bool)
    spans = (start[1] > points[:, 1]) != (end[1] > points[:, 1])
    slope = (end[0] - start[0]) / (end[1] - start[1])
    return spans & (points[:, 0] < start[0] + slope * (points[:, 1] - start[1]))


def box(low: tuple[float, float, float], high: tuple[float, float, float], *,
        rounding_m: float = 0.002) -> Solid:
    """Return an axis-parallel box between two corners, metres, edges rounded by `rounding_m`."""
    lower, upper = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    centre, half = (lower + upper) / 2, (upper - lower) / 2 - rounding_m

    def distance(points: Floats) -> Floats:
        excess = np.abs(points - centre) - half
        outside = np.linalg.norm(np.clip(excess, 0, None), axis=1)
        rounded: Floats = outside + np.minimum(excess.max(axis=1), 0) - rounding_m
        return rounded
    return Solid(distance=distance, low=lower, high=upper)


def extrude(outline: Outline, *, low_m: float, high_m: float, rounding_m: float = 0.0) -> Solid:
    """Return a closed (x, y) outline extruded from z = low to high, edges rounded."""
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


def lathe(profile: Outline) -> Solid:
    """Return the solid of revolution of a closed profile of (radius, z) points, metres, about z.

    The profile is mirrored at the axis first, so points at radius zero leave no seam there.
    """
    corners = np.asarray(profile, dtype=np.float64)
    radius, low, high = corners[:, 0].max(), corners[:, 1].min(), corners[:, 1].max()
    # A profile that touches the axis has an edge along it, which is no surface of the body.
    closed = [(r if r > 0 else -radius, z) for r, z in corners]

    def distance(points: Floats) -> Floats:
        flat = np.stack([np.hypot(points[:, 0], points[:, 1]), points[:, 2]], axis=1)
        return polygon_distance(flat, closed)
    return Solid(distance=distance, low=np.array([-radius, -radius, low]),
                 high=np.array([radius, radius, high]))


def cylinder(radius_m: float, low_m: float, high_m: float) -> Solid:
    """Return a cylinder about z between two heights."""
    return lathe([(0, low_m), (radius_m, low_m), (radius_m, high_m), (0, high_m)])


def tube(path: Sequence[tuple[float, float, float]], radius_m: float | Sequence[float]) -> Solid:
    """Return a tube with round ends along `path` (K, 3), with one radius or one for each point.

    Along a segment the radius changes linearly; the distance is then a close lower bound.
    """
    line = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), len(line))

    def distance(points: Floats) -> Floats:
        nearest = np.full(len(points), np.inf)
        for index in range(len(line) - 1):
            piece = _to_piece(points, line[index:index + 2], radii[index:index + 2])
            nearest = np.minimum(nearest, piece)
        return nearest
    return Solid(distance=distance, low=(line - radii[:, None]).min(axis=0),
                 high=(line + radii[:, None]).max(axis=0))


def _to_piece(points: Floats, ends: Floats, radii: Floats) -> Floats:
    edge, offset = ends[1] - ends[0], points - ends[0]
    along = np.clip(offset @ edge / float(edge @ edge), 0, 1)
    gap: Floats = np.linalg.norm(offset - along[:, None] * edge, axis=1)
    gap -= radii[0] + along * (radii[1] - radii[0])
    return gap
