"""Where a cloud is and how large it is."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist


def centred(points: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the points (N, 3) about their centroid, and that centroid (3,), summed in float64."""
    centroid = points.mean(axis=0, dtype=np.float64)
    return (points - centroid).astype(np.float32), centroid


def diameter_m(points: NDArray[np.floating]) -> float:
    """Return the largest distance between two points of (N, 3), in their unit."""
    try:
        corners = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # flat, or too few points for a hull
        corners = points
    corners = corners[:: max(1, len(corners) // 2000)]
    return float(pdist(corners.astype(np.float64)).max(initial=0.0))
