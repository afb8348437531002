"""Position, size, spacing and surface normals of a cloud."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree
from scipy.spatial.distance import pdist

if TYPE_CHECKING:                # torch is loaded by those who call: readers of clouds need none
    from torch import Tensor

LINE_SHARE = 1e-3


def centred(points: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the points (N, 3) relative to their centroid, and the centroid (3,) in float64."""
    centroid = points.mean(axis=0, dtype=np.float64)
    return (points - centroid).astype(np.float32), centroid


def diameter_m(points: NDArray[np.floating]) -> float:
    """Return the largest distance between two points of (N, 3), in their unit."""
    corners = hull_corners(points)
    corners = corners[:: max(1, len(corners) // 2000)]
    return float(pdist(corners.astype(np.float64)).max(initial=0.0))


def hull_corners(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the corners (K, 3) of the convex hull of points (N, 3); of flat ones, all points."""
    try:
        corners: NDArray[np.floating] = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # flat, or too few points for a hull
        return points
    return corners


def lie_on_a_line(points: NDArray[np.floating]) -> bool:
    """Return whether points (N, 3) have no extent but along one line, to a thousandth."""
    moments = np.linalg.eigvalsh(np.cov(points.T.astype(np.float64)))
    return bool(moments[1] <= LINE_SHARE ** 2 * moments[2])


def knn(queries: 'Tensor', points: 'Tensor', count: int) -> 'tuple[Tensor, Tensor]':
    """Return distances and indices (B, Q, count) of the nearest points (B, N, 3) to (B, Q, 3).

    Sorted by distance. Clouds are centred first, for float32 loses a millimetre in squared
    distances at a metre from the origin.
    """
    import torch

    centre = points.mean(dim=1, keepdim=True)
    distances = torch.cdist(queries - centre, points - centre,
                            compute_mode='donot_use_mm_for_euclid_dist')
    return distances.topk(count, dim=-1, largest=False, sorted=True)


def spacing_m(points: NDArray[np.floating]) -> float:
    """Return the median distance from a point of (N, 3) to its nearest distinct neighbour."""
    distinct = np.unique(points, axis=0)
    if len(distinct) < 2:
        return 0.0
    distances, _ = cKDTree(distinct).query(distinct, k=2)
    return float(np.median(distances[:, 1]))


def estimate_normals(points: NDArray[np.floating], *, neighbours: int = 12,
                     viewpoint: NDArray[np.floating] | None = None) -> NDArray[np.float32]:
    """Return unit normals (N, 3): least principal direction of each point's neighbourhood.

    They point towards `viewpoint` (3,) when it is given, else away from the cloud's centroid,
    which is outward for most, but not all, of the surface of a compact object.
    """
    count = min(neighbours, len(points))
    tree = cKDTree(points)
    _, indices = tree.query(points, k=count)
    groups = points[indices.reshape(len(points), count)].astype(np.float64)
    offsets = groups - groups.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(offsets.transpose(0, 2, 1) @ offsets)
    normals = vectors[:, :, 0]
    outward = points - points.mean(axis=0) if viewpoint is None else viewpoint - points
    normals[(normals * outward).sum(axis=1) < 0] *= -1
    return normals.astype(np.float32)


def box_around(points: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centre and size (3,), metres, of the axis-aligned box around points (N, 3)."""
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((low + high) / 2, np.float64), np.asarray(high - low, np.float64)
