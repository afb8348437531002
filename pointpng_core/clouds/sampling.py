"""Choosing a fixed number of points from a cloud."""

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor


def random_points(points: NDArray[np.float32], count: int, *, seed: int = 0
                  ) -> NDArray[np.float32]:
    """Return `count` points of (N, 3), without repetition while N lasts; same seed, same points.

    A cloud smaller than `count` is taken whole as often as it fits, the rest drawn from it.
    """
    generator = np.random.default_rng(seed)
    rounds, rest = divmod(count, len(points))
    chosen = [np.arange(len(points))] * rounds
    chosen.append(generator.permutation(len(points))[:rest])
    return points[np.concatenate(chosen)]


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
