"""What a steerable encoder sees in a step: whole surfaces drawn twice, and camera views."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.training.augmentation.rotated_views import stretch_factors
from pointpng_core.training.augmentation.sensor_views import SensorViews, around, sensor_views
from pointpng_core.training.batches import Drawn
from pointpng_core.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class SteerableBatch:
    """B objects. Clouds are about their own centroids, in diameters."""

    wholes: Tensor
    """(B, 2, n, 3) two draws, in one frame: equivariance is exact, so no turn is needed."""
    references: SensorViews
    """V ideal views of each, the first near the one below."""
    views: SensorViews
    """One view of each by a camera."""

    @property
    def clouds_read(self) -> int:
        """How many clouds go through the network."""
        return len(self.wholes) * (3 + self.references.clouds.shape[1])


def steerable_batch(objects: Drawn, config: TrainConfig, generator: torch.Generator
                    ) -> SteerableBatch:
    """Return the clouds of one step of B objects (B, P, 3)."""
    wanted = config.steerable
    stretch = stretch_factors(objects.points, config.augment, generator)
    points = objects.points * stretch
    normals = normalize(objects.normals / stretch, dim=-1)
    front, others = _directions(objects, wanted.views, wanted.near_rad, generator)
    return SteerableBatch(
        wholes=_two_samples(points, wanted.whole_points, wanted.jitter, generator),
        references=sensor_views(points, normals, others, wanted.view_points,
                                config=config.sensor, generator=generator, ideal=True),
        views=sensor_views(points, normals, front, wanted.view_points, config=config.sensor,
                           generator=generator))


def _directions(objects: Drawn, views: int, near_rad: float, generator: torch.Generator
                ) -> tuple[Tensor, Tensor]:
    """Return directions of the camera (B, 1, 3), and of the references (B, V, 3)."""
    drawn = torch.randn(len(objects.points), views, 3, generator=generator,
                        device=objects.points.device)
    front = normalize(drawn[:, :1], dim=-1)
    return front, torch.cat((around(front, near_rad, generator),
                             normalize(drawn[:, 1:], dim=-1)), dim=1)


def _two_samples(points: Tensor, count: int, jitter: float, generator: torch.Generator) -> Tensor:
    """Return (B, 2, count, 3): disjoint where the pool (B, P, 3) suffices, noisy, centred."""
    batch, pool = points.shape[:2]
    order = torch.rand(batch, pool, generator=generator, device=points.device).argsort(dim=1)
    rows = torch.arange(2 * count, device=points.device) % pool
    draws = points.gather(1, order[:, rows, None].expand(-1, -1, 3)).unflatten(1, (2, count))
    level = torch.rand(batch, 1, 1, 1, generator=generator, device=points.device).square()
    noise = torch.randn(draws.shape, generator=generator, device=points.device)
    draws = draws + jitter * level * noise
    return draws - draws.mean(dim=2, keepdim=True)
