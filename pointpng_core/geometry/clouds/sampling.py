"""Subsampling of clouds: random, farthest-point and voxel-grid."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:                # torch is loaded by those who call: readers of clouds need none
    from torch import Tensor


def random_points(points: NDArray[np.float32], count: int, *, seed: int = 0
                  ) -> NDArray[np.float32]:
    """Return `count` points of (N, 3) in random order; same seed, same points.

    Any leading part of them is a random sample too. If the cloud has fewer than `count` points,
    they are repeated, and the numbers of repetitions differ by at most one.
    """
    generator = np.random.default_rng(seed)
    rounds = -(-count // len(points))
    chosen = np.concatenate([generator.permutation(len(points)) for _ in range(rounds)])
    return points[chosen[:count]]


def farthest_points(points: 'Tensor', count: int) -> 'Tensor':
    """Return the indices (B, count) of a farthest-point sampling of clouds (B, N, 3).

    It starts at the point farthest from the centroid, so that a rotated cloud gives the same
    points. All coordinates must be finite. With count > N, indices repeat.
    """
    import torch

    batch = torch.arange(len(points), device=points.device)
    chosen = torch.empty(len(points), count, dtype=torch.long, device=points.device)
    distance = torch.full(points.shape[:2], torch.inf, dtype=points.dtype, device=points.device)
    farthest = (points - points.mean(dim=1, keepdim=True)).square().sum(-1).argmax(dim=1)
    for step in range(count):
        chosen[:, step] = farthest
        gap = (points - points[batch, farthest, None]).square().sum(-1)
        distance = torch.minimum(distance, gap)
        farthest = distance.argmax(dim=1)
    return chosen


def voxel_downsample(points: NDArray[np.floating], size_m: float) -> NDArray[np.float32]:
    """Return the centroids (V, 3) of the occupied voxels of a grid of `size_m`, in grid order."""
    if not size_m > 0:
        raise ValueError(f'size_m = {size_m}: a voxel needs a positive size')
    _, owner, counts = np.unique(voxel_keys(points, size_m), return_inverse=True,
                                 return_counts=True)
    sums = np.stack([np.bincount(owner, weights=points[:, axis]) for axis in range(3)], axis=1)
    return (sums / counts[:, None]).astype(np.float32)


def voxel_keys(points: NDArray[np.floating], size_m: float) -> NDArray[np.int64]:
    """Return the index (N,) of the voxel that each point (N, 3) lies in, ascending in x, y, z."""
    cells = np.floor((points - points.min(axis=0)) / size_m).astype(np.int64)
    extent = cells.max(axis=0) + 1
    keys: NDArray[np.int64] = (cells[:, 0] * extent[1] + cells[:, 1]) * extent[2] + cells[:, 2]
    return keys
