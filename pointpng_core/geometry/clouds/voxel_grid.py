"""One point per voxel: the mean of the points that fall into it."""

import numpy as np
from numpy.typing import NDArray


def voxel_downsample(points: NDArray[np.floating], size_m: float) -> NDArray[np.float32]:
    """Return the centroids (V, 3) of the occupied voxels of a grid of `size_m`, in grid order."""
    if not size_m > 0:
        raise ValueError(f'size_m = {size_m}: a voxel needs a positive size')
    _, owner, counts = np.unique(voxel_keys(points, size_m), return_inverse=True,
                                 return_counts=True)
    sums = np.stack([np.bincount(owner, weights=points[:, axis]) for axis in range(3)], axis=1)
    return (sums / counts[:, None]).astype(np.float32)


def voxel_keys(points: NDArray[np.floating], size_m: float) -> NDArray[np.int64]:
    """Return a number (N,) for the voxel that each point (N, 3) lies in, ascending in x, y, z."""
    cells = np.floor((points - points.min(axis=0)) / size_m).astype(np.int64)
    extent = cells.max(axis=0) + 1
    keys: NDArray[np.int64] = (cells[:, 0] * extent[1] + cells[:, 1]) * extent[2] + cells[:, 2]
    return keys
