"""Surface normals from the spread of a point's neighbours."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree


def estimate_normals(points: NDArray[np.floating], *, neighbours: int = 12,
                     viewpoint: NDArray[np.floating] | None = None) -> NDArray[np.float32]:
    """Return unit normals (N, 3): least principal direction of each point's neighbourhood.

    They point to `viewpoint` (3,) when it is given, else away from the cloud's centroid, which is
    outward for most of a compact object but is no promise.
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
