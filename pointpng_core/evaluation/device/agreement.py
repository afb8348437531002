"""Agreement of a device with the CPU: the largest difference of each stage, and what is allowed.

Every stage gets the same input on both devices, the output of the stage before on the CPU, so that
differences do not accumulate. A search takes the best of many candidates and registration
converges: where two candidates are equally good, either device may take either of them. Such
stages are compared by the share of elements that differ, and by scores, which ties do not change.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pointpng_core.embedding.model_zoo import EmbeddingModel, load_model
from pointpng_core.embedding.networks.patches import group_patches
from pointpng_core.geometry.clouds import farthest_points, knn
from pointpng_core.geometry.so3 import random_rotations

CPU = torch.device('cpu')
ROTATIONS = 16
"""Rotations of each embedding that COPE predicts."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The difference of one stage between two devices."""

    stage: str
    difference: float
    allowed: float

    @property
    def agrees(self) -> bool:
        """Return whether the stage agrees; it does not where the difference is not a number."""
        return self.difference <= self.allowed


def compare_geometry(device: torch.device) -> Iterator[Agreement]:
    """Compare farthest points, neighbours and patches of clouds without equal distances."""
    clouds = _clouds(16, 1024)
    yield _compare('farthest points', _differing_share,
                   lambda on: farthest_points(clouds.to(on), 64), device, 0.02)
    yield _compare('neighbours', _largest_difference,
                   lambda on: knn(clouds[:, :64].to(on), clouds.to(on), 32)[0], device, 1e-5)
    yield _compare('patches', _differing_share,
                   lambda on: group_patches(clouds.to(on), 64, 32)[1], device, 0.02)


def compare_embeddings(device: torch.device, models: Sequence[str]) -> Iterator[Agreement]:
    """Compare embeddings, COPE predictions and scores of a rotation grid of each model."""
    clouds = _clouds(8, 1024)
    R = random_rotations((8, ROTATIONS), generator=torch.Generator().manual_seed(1), device=CPU)
    for name in models:
        yield from _compare_model(name, {on: load_model(name, on) for on in (CPU, device)},
                                  clouds, R, device)


def _compare_model(name: str, models: dict[torch.device, EmbeddingModel], clouds: Tensor,
                   R: Tensor, device: torch.device) -> Iterator[Agreement]:
    def embed(on: torch.device) -> Tensor:
        return models[on].encoder.encode(clouds.to(on))

    def rotate(on: torch.device) -> Tensor:
        return models[on].cope.apply(R.to(on), z[:, None].expand(-1, ROTATIONS, -1).to(on))

    def search(on: torch.device) -> Tensor:
        cope, z_on = models[on].cope, z.to(on)
        return cope.grid_scores(cope.grid_bank(R[0].to(on)), z_on, z_on.flip(0))
    z = embed(CPU)
    yield _compare(f'{name}: embedding', _largest_distance, embed, device, 2e-3)
    yield _compare(f'{name}: COPE', _largest_difference, rotate, device, 1e-4)
    yield _compare(f'{name}: grid scores', _largest_difference, search, device, 1e-4)


def _clouds(count: int, points: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    clouds = 0.2 * torch.randn(count, points, 3, generator=generator)
    return clouds - clouds.mean(dim=1, keepdim=True)


def _compare(stage: str, measure: Callable[[Tensor, Tensor], float],
             run: Callable[[torch.device], Tensor], device: torch.device, allowed: float
             ) -> Agreement:
    with torch.no_grad():
        return Agreement(stage=stage, difference=measure(run(CPU), run(device).to(CPU)),
                         allowed=allowed)


def _largest_difference(expected: Tensor, found: Tensor) -> float:
    return float((expected - found).abs().max())


def _largest_distance(expected: Tensor, found: Tensor) -> float:
    return float((expected - found).norm(dim=-1).max())


def _differing_share(expected: Tensor, found: Tensor) -> float:
    return float(np.mean(expected.numpy() != found.numpy()))
