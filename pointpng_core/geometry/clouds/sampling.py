"""Choosing a fixed number of points from a cloud."""

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor


def random_points(points: NDArray[np.float32], count: int, *, seed: int = 0
                  ) -> NDArray[np.float32]:
    """Return `count` points of (N, 3) in random order; same seed, same points.

    Any leading part is a random sample too. A cloud smaller than `count` is repeated, no point
    more than once oftener than another.
    """
    generator = np.random.default_rng(seed)
    rounds = -(-count // len(points))
    chosen = np.concatenate([generator.permutation(len(points)) for _ in range(rounds)])
    return points[chosen[:count]]


def farthest_points(points: Tensor, count: int) -> Tensor:
    """Return the indices (B, count) of a farthest-point sampling of clouds (B, N, 3).

    Starts at the point farthest from the centroid, so that a rotated cloud gives the same
    points. All coordinates must be finite. With count > N, indices repeat.
    """
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
