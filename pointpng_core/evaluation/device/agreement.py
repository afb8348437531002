"""CPU and GPU give the same: every stage on both, its greatest difference, and what is allowed.

Each stage gets the same input on both devices, what the stage before gave on the CPU, so that no
difference is carried on. A search takes the best of many and registration converges: where two
candidates are equally good, the devices may take either. Such stages are held by the share of
places that differ, and by the score of what was taken, which no tie changes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pointpng_core.embedding.model_zoo import EmbeddingModel, load_model, shipped_models
from pointpng_core.embedding.networks.patches import group_patches
from pointpng_core.errors import PointPngError
from pointpng_core.geometry.clouds import farthest_points, knn
from pointpng_core.geometry.so3 import random_rotations

CPU = torch.device('cpu')
TURNS = 16


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """One stage on both devices."""

    stage: str
    difference: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether the stage agrees; a difference that is no number does not."""
        return self.difference <= self.allowed


def geometry(device: torch.device) -> Iterator[Agreement]:
    """Sampling, neighbours and patches of clouds whose distances are all different."""
    clouds = _clouds(16, 1024)
    yield _same('farthest points', _share_of_others,
                lambda on: farthest_points(clouds.to(on), 64), device, 0.02)
    yield _same('neighbours', _greatest,
                lambda on: knn(clouds[:, :64].to(on), clouds.to(on), 32)[0], device, 1e-5)
    yield _same('patches', _share_of_others,
                lambda on: group_patches(clouds.to(on), 64, 32)[1], device, 0.02)


def embeddings(device: torch.device, names: Sequence[str] = ()) -> Iterator[Agreement]:
    """Embeddings and COPE scores of every shipped model."""
    clouds = _clouds(8, 1024)
    turns = random_rotations((8, TURNS), generator=torch.Generator().manual_seed(1), device=CPU)
    for name in names or shipped_models():
        yield from _embeddings(name, {on: load_model(name, on) for on in (CPU, device)}, clouds,
                               turns, device)


def _embeddings(name: str, models: dict[torch.device, EmbeddingModel], clouds: Tensor,
                turns: Tensor, device: torch.device) -> Iterator[Agreement]:
    def embed(on: torch.device) -> Tensor:
        return models[on].encoder.encode(clouds.to(on))

    def turn(on: torch.device) -> Tensor:
        return models[on].cope.apply(turns.to(on), z[:, None].expand(-1, TURNS, -1).to(on))

    def search(on: torch.device) -> Tensor:
        cope, here = models[on].cope, z.to(on)
        return cope.grid_scores(cope.grid_bank(turns[0].to(on)), here, here.flip(0))
    z = embed(CPU)
    yield _same(f'{name}: embedding', _farthest, embed, device, 2e-3)
    yield _same(f'{name}: COPE', _greatest, turn, device, 1e-4)
    yield _same(f'{name}: scores of a grid', _greatest, search, device, 1e-4)


def estimation(device: torch.device, world: Path, names: Sequence[str] = ()
               ) -> Iterator[Agreement]:
    """Search, coarse and fine registration, refinement, evidence, and the entire estimate."""
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.evaluation.device.stages import compare
    from pointpng_core.evaluation.device.world import read_world
    for name in names or shipped_models():
        here, there = (PoseEstimator(device=str(on), model=name) for on in (CPU, device))
        yield from compare(here, there, read_world(world, here, observations=16, references=4))


def checks(device: torch.device, world: Path, report: Callable[[str], None],
           names: Sequence[str] = ()) -> list[Agreement]:
    """Run every check; what a missing package forbids is reported, and left out."""
    found: list[Agreement] = []
    parts: dict[str, Callable[[], Iterator[Agreement]]] = {
        'geometry': lambda: geometry(device), 'embeddings': lambda: embeddings(device, names),
        'estimation': lambda: estimation(device, world, names)}
    for part, run in parts.items():
        try:
            found.extend(run())
        except ImportError as error:
            report(f'{part}: skipped, the package {error.name} is not installed here')
        except PointPngError as error:
            report(f'{part}: skipped, {error}')
    return found


def _clouds(count: int, points: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    clouds = 0.2 * torch.randn(count, points, 3, generator=generator)
    return clouds - clouds.mean(dim=1, keepdim=True)


def _same(stage: str, measure: Callable[[Tensor, Tensor], float],
          run: Callable[[torch.device], Tensor], device: torch.device, allowed: float
          ) -> Agreement:
    with torch.no_grad():
        return Agreement(stage=stage, difference=measure(run(CPU), run(device).to(CPU)),
                         allowed=allowed)


def _greatest(here: Tensor, there: Tensor) -> float:
    return float((here - there).abs().max())


def _farthest(here: Tensor, there: Tensor) -> float:
    return float((here - there).norm(dim=-1).max())


def _share_of_others(here: Tensor, there: Tensor) -> float:
    return float(np.mean(here.numpy() != there.numpy()))
