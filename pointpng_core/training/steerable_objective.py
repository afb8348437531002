"""The second stage of a steerable network: its batches and its loss.

Whole surfaces and camera views are each searched for their rotation, with the retrieval losses of
`embedding.losses.retrieval`; the centre of the object and its visible share are regressed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from pointpng_core.embedding.devices import reduced_precision
from pointpng_core.embedding.losses import align_loss, uniformity_loss
from pointpng_core.embedding.losses.retrieval import RotationGrid, view_retrieval_loss
from pointpng_core.embedding.networks.steerable import SteerablePng
from pointpng_core.embedding.networks.steerable.network import SteerableOutput
from pointpng_core.training.augmentation.rotated_views import stretch_factors
from pointpng_core.training.augmentation.sensor_views import (
    SensorViews,
    perturbed_directions,
    sensor_views,
)
from pointpng_core.training.batches import ObjectBatch
from pointpng_core.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class SteerableBatch:
    """Clouds of B objects, each about its own centroid, in diameters."""

    wholes: Tensor
    """(B, 2, n, 3) two samples of the whole surface in one frame. The network is exactly
    equivariant and need no rotation."""
    references: SensorViews
    """V ideal views of each object, the first near the view of the camera."""
    views: SensorViews
    """One view of each object by a camera."""

    @property
    def cloud_count(self) -> int:
        """Return the number of clouds that the network encodes."""
        return len(self.wholes) * (3 + self.references.clouds.shape[1])


def steerable_batch(objects: ObjectBatch, config: TrainConfig, generator: torch.Generator
                    ) -> SteerableBatch:
    """Return the clouds of one step of B objects (B, P, 3)."""
    options = config.steerable
    stretch = stretch_factors(objects.points, config.augment, generator)
    points = objects.points * stretch
    normals = normalize(objects.normals / stretch, dim=-1)
    camera, reference = _directions(objects, options.views, options.near_rad, generator)
    return SteerableBatch(
        wholes=_two_samples(points, options.whole_points, options.jitter, generator),
        references=sensor_views(points, normals, reference, options.view_points,
                                config=config.sensor, generator=generator, ideal=True),
        views=sensor_views(points, normals, camera, options.view_points, config=config.sensor,
                           generator=generator))


def _directions(objects: ObjectBatch, views: int, near_rad: float, generator: torch.Generator
                ) -> tuple[Tensor, Tensor]:
    """Return viewing directions of the camera (B, 1, 3) and of the references (B, V, 3)."""
    random = torch.randn(len(objects.points), views, 3, generator=generator,
                         device=objects.points.device)
    camera = normalize(random[:, :1], dim=-1)
    return camera, torch.cat((perturbed_directions(camera, near_rad, generator),
                              normalize(random[:, 1:], dim=-1)), dim=1)


def _two_samples(points: Tensor, count: int, jitter: float, generator: torch.Generator) -> Tensor:
    """Return (B, 2, count, 3): disjoint if the pool (B, P, 3) is large enough, noisy, centred."""
    batch, pool = points.shape[:2]
    order = torch.rand(batch, pool, generator=generator, device=points.device).argsort(dim=1)
    rows = torch.arange(2 * count, device=points.device) % pool
    samples = points.gather(1, order[:, rows, None].expand(-1, -1, 3)).unflatten(1, (2, count))
    level = torch.rand(batch, 1, 1, 1, generator=generator, device=points.device).square()
    noise = torch.randn(samples.shape, generator=generator, device=points.device)
    samples = samples + jitter * level * noise
    return samples - samples.mean(dim=2, keepdim=True)


class SteerableTask(nn.Module):
    """Loss of a steerable network: retrieval of surfaces and of views, centre, visibility."""

    def __init__(self, model: SteerablePng, config: TrainConfig) -> None:
        super().__init__()
        self.model, self._config = model, config
        self._grid: RotationGrid | None = None

    def forward(self, batch: SteerableBatch, generator: torch.Generator, progress: float = 1.0
                ) -> dict[str, Tensor]:
        """Return the weighted loss under 'loss', and its unweighted terms by name."""
        weights, tau = self._config.steerable, self._config.tau
        wholes = self._predict(batch.wholes.flatten(0, 1)).z[0].unflatten(0, (-1, 2))
        clouds = torch.cat((batch.references.clouds, batch.views.clouds), dim=1)  # (B, V + 1, ...)
        views = self._predict(clouds.flatten(0, 1))
        z = views.z[0].unflatten(0, clouds.shape[:2])
        first, second = wholes.unbind(1)
        R_view = batch.views.R_view_object[:, 0]
        terms = {
            'align': align_loss(first, second, tau=tau),
            'cope': self._rotation_grid(first).loss(first, second, tau=tau, generator=generator),
            'unif': uniformity_loss(first[:, None], second[:, None], tau=tau),
            'view': self._view_loss(z[:, :-1], batch.references.R_view_object, z[:, -1], R_view),
            'full_view': self._view_loss(self.model.cope.apply(R_view, first)[:, None],
                                         R_view[:, None], z[:, -1], R_view),
            **_centre_and_visibility(views, batch)}
        loss = (terms['cope'] + terms['view'] + weights.full_view * terms['full_view']
                + weights.align * terms['align']
                + weights.unif * terms['unif'] + weights.centre * terms['centre']
                + weights.visible * terms['visible'])
        return {'loss': loss, **terms}

    def _view_loss(self, z_views: Tensor, R_views: Tensor, z_target: Tensor, R_target: Tensor
                   ) -> Tensor:
        options = self._config.steerable
        return view_retrieval_loss(
            self.model.cope, z_views, R_views, z_target, R_target,
            in_plane_rotations=options.in_plane_rotations, near_rad=options.right_rad,
            far_rad=options.wrong_rad, tau=self._config.tau)

    def _predict(self, clouds: Tensor) -> SteerableOutput:
        with reduced_precision(self._config.precision, clouds.device):
            return self.model.predict(clouds, clouds.new_ones(1))

    def _rotation_grid(self, like: Tensor) -> RotationGrid:
        if self._grid is None:
            options = self._config.steerable
            self._grid = RotationGrid(self.model.cope, rotations=options.rotations,
                                      apart_rad=options.wrong_rad, device=like.device)
        return self._grid


def _centre_and_visibility(views: SteerableOutput, batch: SteerableBatch) -> dict[str, Tensor]:
    """Return the mean error of the centre, in diameters, and the loss of the visible share."""
    both = (batch.references, batch.views)
    centre = torch.cat([part.centre for part in both], dim=1).flatten(0, 1)
    visible = torch.cat([part.visible for part in both], dim=1).flatten()
    return {'centre': (views.centre - centre).norm(dim=-1).mean(),
            'visible': binary_cross_entropy_with_logits(views.visible, visible)}
