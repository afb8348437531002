"""Point samples of objects for evaluating encoders: disjoint, rotated, noisy, centred."""

from collections.abc import Callable, Sequence
import math

import numpy as np
import roma
import torch
from torch import Tensor

from pointpng_core.embedding.protocols import Encoder
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.so3 import random_rotations

DEFAULT_POINTS = 1024
"""Points of a cloud for encoders that take any number."""
ROTATION_KINDS = ('none', 'x', 'y', 'z', 'so3')
"""Kinds of random rotations: the identity, about one axis, or uniform on SO(3)."""


def cloud_points(encoder: Encoder, points: int | None = None) -> int:
    """Return the number of points per cloud: `points` if given, else what the encoder takes.

    Raises ConfigError for more than the encoder takes.
    """
    if points and encoder.points and points > encoder.points:
        raise ConfigError(f'points = {points}: this model takes {encoder.points} points of a '
                          'cloud; give at most that many, or leave it out')
    return points or encoder.points or DEFAULT_POINTS


def distinct_points(points: Tensor) -> Tensor:
    """Return points (P, 3) without repetitions, which pools of small objects have, in order."""
    _, first = np.unique(points.numpy(), axis=0, return_index=True)
    return points[torch.from_numpy(np.sort(first))]


def disjoint_samples(points: Tensor, count: int, *, generator: torch.Generator
                     ) -> tuple[Tensor, Tensor]:
    """Return two disjoint random samples of points (P, 3), of `count` points or half of them."""
    distinct = distinct_points(points)
    distinct = distinct[torch.randperm(len(distinct), generator=generator)]
    count = max(1, min(count, len(distinct) // 2))
    return distinct[:count], distinct[-count:]


def evenly_spaced(rows: Tensor, limit: int | None) -> Tensor:
    """Return at most `limit` of the rows (K, ...), at evenly spaced indices."""
    if limit is None or limit >= len(rows):
        return rows
    return rows[torch.linspace(0, len(rows) - 1, limit).round().long()]


def with_noise(points: Tensor, sigma: float, *, generator: torch.Generator) -> Tensor:
    """Return points (N, 3) with Gaussian noise of deviation `sigma`, about their new centroid."""
    noise = torch.randn(points.shape, generator=generator)
    return centred_cloud(points + sigma * noise)


def centred_cloud(points: Tensor) -> Tensor:
    """Return points (N, 3) about their centroid."""
    return points - points.mean(dim=0)


def random_rotation_matrices(count: int, kind: str, *, generator: torch.Generator) -> Tensor:
    """Return random rotations (count, 3, 3) of one of the ROTATION_KINDS."""
    if kind not in ROTATION_KINDS:
        raise ValueError(f'kind = {kind!r}: choose one of {", ".join(ROTATION_KINDS)}')
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
