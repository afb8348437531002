"""What the second stage asks of a steerable network."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from pointpng_core.embedding.devices import reduced_precision
from pointpng_core.embedding.losses import align_loss
from pointpng_core.embedding.losses.point_png import uniformity_loss
from pointpng_core.embedding.losses.retrieval import RotationGrid, view_retrieval_loss
from pointpng_core.embedding.networks.steerable import SteerablePng
from pointpng_core.embedding.networks.steerable.network import Reading
from pointpng_core.training.config import TrainConfig


class SteerableTask(nn.Module):
    """Searches of whole surfaces and of views that must not go wrong, and where the centre is."""

    def __init__(self, model: SteerablePng, config: TrainConfig) -> None:
        super().__init__()
        self.model, self._config = model, config
        self._grid: RotationGrid | None = None

    def forward(self, batch: SteerableBatch, generator: torch.Generator, progress: float = 1.0
                ) -> dict[str, Tensor]:
        """Return the loss under 'loss', and its parts."""
        wanted, tau = self._config.steerable, self._config.tau
        whole = self._read(batch.wholes.flatten(0, 1)).z[0].unflatten(0, (-1, 2))
        clouds = torch.cat((batch.references.clouds, batch.views.clouds), dim=1)  # (B, V + 1, ...)
        views = self._read(clouds.flatten(0, 1))
        z = views.z[0].unflatten(0, clouds.shape[:2])
        first, second = whole.unbind(1)
        R_view = batch.views.R_view_object[:, 0]
        parts = {
            'align': align_loss(first, second, tau=tau),
            'cope': self._rotation_grid(first).loss(first, second, tau=tau, generator=generator),
            'unif': uniformity_loss(first[:, None], second[:, None], tau=tau),
            'view': self._view_loss(z[:, :-1], batch.references.R_view_object, z[:, -1], R_view),
            'full_view': self._view_loss(self.model.cope.apply(R_view, first)[:, None],
                                         R_view[:, None], z[:, -1], R_view),
            **_what_is_seen(views, batch)}
        loss = (parts['cope'] + parts['view'] + wanted.full_view * parts['full_view']
                + wanted.align * parts['align']
                + wanted.unif * parts['unif'] + wanted.centre * parts['centre']
                + wanted.visible * parts['visible'])
        return {'loss': loss, **parts}

    def _view_loss(self, z_views: Tensor, R_views: Tensor, z_target: Tensor, R_target: Tensor
                   ) -> Tensor:
        wanted = self._config.steerable
        return view_retrieval_loss(self.model.cope, z_views, R_views, z_target, R_target,
                         in_plane_rotations=wanted.in_plane_rotations, near_rad=wanted.right_rad,
                         far_rad=wanted.wrong_rad, tau=self._config.tau)

    def _read(self, clouds: Tensor) -> Reading:
        with reduced_precision(self._config.precision, clouds.device):
            return self.model.read(clouds, clouds.new_ones(1))

    def _rotation_grid(self, like: Tensor) -> RotationGrid:
        if self._grid is None:
            wanted = self._config.steerable
            self._grid = RotationGrid(self.model.cope, rotations=wanted.rotations,
                                      apart_rad=wanted.wrong_rad, device=like.device)
        return self._grid


def _what_is_seen(views: Reading, batch: SteerableBatch) -> dict[str, Tensor]:
    """Return the mean error of the centre, diameters, and the loss of the visible share."""
    both = (batch.references, batch.views)
    centre = torch.cat([part.centre for part in both], dim=1).flatten(0, 1)
    visible = torch.cat([part.visible for part in both], dim=1).flatten()
    return {'centre': (views.centre - centre).norm(dim=-1).mean(),
            'visible': binary_cross_entropy_with_logits(views.visible, visible)}


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
