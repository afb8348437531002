"""Solids of revolution about z."""

import numpy as np

from pointpng_core.simulation.shapes.polygons import Outline, polygon_distance
from pointpng_core.simulation.shapes.solids import Floats, Solid


def lathe(profile: Outline) -> Solid:
    """Turn a closed profile of (radius, z) points, in metres, about the z axis.

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
    """A cylinder about z between two heights."""
    return lathe([(0, low_m), (radius_m, low_m), (radius_m, high_m), (0, high_m)])
