"""What encoders are measured on: draws of objects' points, turned, noisy and centred."""

from collections.abc import Callable, Sequence
import math

import numpy as np
import roma
import torch
from torch import Tensor

from pointpng_core.embedding.protocols import Encoder
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.so3 import random_rotations

ANY_POINTS = 1024
"""Points for encoders that take any number."""
TURNS = ('none', 'x', 'y', 'z', 'so3')
"""How clouds are turned: not at all, about an axis, or anyhow."""


def cloud_points(encoder: Encoder, points: int | None = None) -> int:
    """Return how many points a cloud has: those asked for, or what the encoder wants.

    Raises ConfigError for more than it takes.
    """
    if points and encoder.points and points > encoder.points:
        raise ConfigError(f'points = {points}: this model takes {encoder.points} points of a '
                          'cloud; give at most that many, or leave it out')
    return points or encoder.points or ANY_POINTS


def distinct_points(points: Tensor) -> Tensor:
    """Return points (P, 3) without repeats, in their order: pools of small objects repeat them."""
    _, first = np.unique(points.numpy(), axis=0, return_index=True)
    return points[torch.from_numpy(np.sort(first))]


def disjoint_samples(points: Tensor, count: int, *, generator: torch.Generator
                   ) -> tuple[Tensor, Tensor]:
    """Return two random draws of points (P, 3) that share none: `count` each, or else halves."""
    own = distinct_points(points)
    own = own[torch.randperm(len(own), generator=generator)]
    count = max(1, min(count, len(own) // 2))
    return own[:count], own[-count:]


def noisy(points: Tensor, sigma: float, *, generator: torch.Generator) -> Tensor:
    """Return points (N, 3) with Gaussian noise, about their new centroid."""
    noise = torch.randn(points.shape, generator=generator)
    return centred_cloud(points + sigma * noise)


def centred_cloud(points: Tensor) -> Tensor:
    """Return points (N, 3) about their centroid."""
    return points - points.mean(dim=0)


def random_rotation_matrices(count: int, kind: str, *, generator: torch.Generator) -> Tensor:
    """Return rotations (count, 3, 3) of one of the kinds in TURNS."""
    if kind not in TURNS:
        raise ValueError(f'kind = {kind!r}: choose one of {", ".join(TURNS)}')
    if kind == 'so3':
        return random_rotations((count,), generator=generator)
    if kind == 'none':
        return torch.eye(3).expand(count, 3, 3)
    rotvec = torch.zeros(count, 3)
    rotvec[:, 'xyz'.index(kind)] = 2.0 * math.pi * torch.rand(count, generator=generator)
    return roma.rotvec_to_rotmat(rotvec)


@torch.no_grad()
def in_batches(function: Callable[[Tensor], Tensor], clouds: Sequence[Tensor], *, device: str,
               batch: int = 64) -> Tensor:
    """Return function(clouds) (B, F) on the CPU, for clouds (N_i, 3) of any sizes, in order."""
    sizes: dict[int, list[int]] = {}
    for row, cloud in enumerate(clouds):
        sizes.setdefault(len(cloud), []).append(row)
    rows = [same[start:start + batch] for same in sizes.values()
            for start in range(0, len(same), batch)]
    parts = [function(torch.stack([clouds[row] for row in part]).to(device)).float().cpu()
             for part in rows]
    order = torch.tensor([row for part in rows for row in part])
    return torch.cat(parts)[order.argsort()]
