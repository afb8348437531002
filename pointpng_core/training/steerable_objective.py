"""What the second stage asks of a steerable network."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from pointpng_core.embedding.losses import align_loss
from pointpng_core.embedding.losses.retrieval import RotationGrid, view_loss
from pointpng_core.embedding.losses.uniformity import uniformity_loss
from pointpng_core.embedding.networks.steerable import SteerablePng
from pointpng_core.embedding.networks.steerable.network import Reading
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.precision import reduced_precision
from pointpng_core.training.steerable_batch import SteerableBatch


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
        return view_loss(self.model.cope, z_views, R_views, z_target, R_target,
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
