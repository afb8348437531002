"""What each stage asks of the network: a batch of objects to a loss and its parts."""

import torch
from torch import Tensor, nn

from pointpng_core.augmentation import random_views
from pointpng_core.losses import chamfer_loss, point_png_loss
from pointpng_core.models.decoder import MaskedAutoencoder
from pointpng_core.models.point_png import PointPng
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.schedule import MAE

Parts = dict[str, Tensor]
Batch = tuple[Tensor, Tensor]
"""Clouds (B, V, n, 3) and the R (B, V, 3, 3) that turned them."""


def make_batch(objects: Tensor, config: TrainConfig, generator: torch.Generator) -> Batch:
    """Return `config.views` views of each of the objects (B, P, 3)."""
    return random_views(objects, config.views, config.model.points, config=config.augment,
                        generator=generator)


class MaskedTask(nn.Module):
    """First stage: hidden patches of every view."""

    def __init__(self, model: PointPng, config: TrainConfig) -> None:
        super().__init__()
        self.autoencoder = MaskedAutoencoder(model.encoder)
        self._mask, self._precision = config.mae_mask, config.precision

    def forward(self, batch: Batch, generator: torch.Generator, progress: float = 1.0) -> Parts:
        """Return the loss under 'loss'."""
        clouds = batch[0].flatten(0, 1)
        with reduced_precision(self._precision, clouds.device):
            predicted, true = self.autoencoder(clouds, mask_ratio=self._mask, generator=generator)
        return {'loss': chamfer_loss(predicted, true)}


class PointPngTask(nn.Module):
    """Second stage: embeddings that turn, told from those of other rotations and objects."""

    def __init__(self, model: PointPng, config: TrainConfig) -> None:
        super().__init__()
        self.model, self._config = model, config

    def forward(self, batch: Batch, generator: torch.Generator, progress: float = 1.0) -> Parts:
        """Return the loss under 'loss', its parts, and PA and AE of the batch.

        `progress` is the share of the stage that is over.
        """
        clouds, R = batch
        config = self._config
        with reduced_precision(config.precision, clouds.device):
            z = self.model(clouds.flatten(0, 1), mask_ratio=config.png_mask, generator=generator)
        parts = point_png_loss(self.model.cope, z.unflatten(0, clouds.shape[:2]), R,
                               beta=config.beta, negatives=config.negatives, tau=config.tau,
                               boost=boost_at(progress, config.boost), generator=generator)
        return vars(parts)


def boost_at(progress: float, boost: float) -> float:
    """Return the factor on the pseudo-negatives when a share of the stage is over.

    While the rotation is not predicted well yet, an embedding that keeps it costs more in L_align
    than it saves in L_cope (below a cosine of about 1 - beta M / (M + 1)), and invariance wins.
    """
    return 1.0 + (boost - 1.0) * min(1.0, max(0.0, 2.0 - 2.5 * progress))


def reduced_precision(precision: str, device: torch.device) -> torch.autocast:
    """Return the context for networks; losses stay outside it, in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == 'bfloat16')


def make_task(stage: str, model: PointPng, config: TrainConfig) -> MaskedTask | PointPngTask:
    """Return the task of a stage; both share the model's encoder."""
    return (MaskedTask if stage == MAE else PointPngTask)(model, config)
