"""Nearest neighbours."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
import torch
from torch import Tensor


def knn(queries: Tensor, points: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return distances and indices (B, Q, count) of the nearest points (B, N, 3) to (B, Q, 3).

    Ascending by distance. Clouds are centred first: the matrix form of the distance loses a
    millimetre at a metre from the origin in float32.
    """
    centre = points.mean(dim=1, keepdim=True)
    distances = torch.cdist(queries - centre, points - centre,
                            compute_mode='donot_use_mm_for_euclid_dist')
    return distances.topk(count, dim=-1, largest=False, sorted=True)


def spacing_m(points: NDArray[np.floating]) -> float:
    """Return the median distance from a point of (N, 3) to the nearest one at another place."""
    places = np.unique(points, axis=0)
    if len(places) < 2:
        return 0.0
    distances, _ = cKDTree(places).query(places, k=2)
    return float(np.median(distances[:, 1]))
