"""Polygons to triangles."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def split_polygons(polygons: np.ndarray | Sequence[Any]) -> np.ndarray:
    """Split polygons, each a row of vertex indices, into triangles (F, 3) int64.

    Every polygon becomes a fan around its first vertex, which is right for convex ones.
    """
    if isinstance(polygons, np.ndarray) and polygons.ndim == 2 and polygons.shape[1] == 3:
        return polygons.astype(np.int64)
    triangles = [(polygon[0], polygon[i], polygon[i + 1])
                 for polygon in polygons for i in range(1, len(polygon) - 1)]
    return np.array(triangles, dtype=np.int64).reshape(-1, 3)
