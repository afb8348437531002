"""What each stage asks of the network: a batch of objects to a loss and its parts."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pointpng_core.embedding.devices import reduced_precision
from pointpng_core.embedding.losses import chamfer_loss, point_png_loss
from pointpng_core.embedding.networks.config import STEERABLE
from pointpng_core.embedding.networks.factory import Network
from pointpng_core.embedding.networks.masked_autoencoder import MaskedAutoencoder
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.embedding.networks.steerable import SteerablePng
from pointpng_core.training.augmentation import random_views
from pointpng_core.training.batches import Drawn
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.schedule import MAE
from pointpng_core.training.steerable_objective import (
    SteerableBatch,
    SteerableTask,
    steerable_batch,
)

Parts = dict[str, Tensor]


class TurnedViews(NamedTuple):
    """V views of each of B objects, and what turned them."""

    clouds: Tensor
    """(B, V, n, 3)"""
    R: Tensor
    """(B, V, 3, 3)"""

    @property
    def clouds_read(self) -> int:
        """How many clouds go through the network."""
        return self.clouds.shape[0] * self.clouds.shape[1]


Batch = TurnedViews | SteerableBatch


def make_batch(objects: Drawn, config: TrainConfig, generator: torch.Generator) -> Batch:
    """Return what the network sees of objects in one step."""
    if config.model.encoder == STEERABLE:
        return steerable_batch(objects, config, generator)
    return TurnedViews(*random_views(objects.points, config.views, config.model.points,
                                     config=config.augment, generator=generator))


class MaskedTask(nn.Module):
    """First stage: hidden patches of every view."""

    def __init__(self, model: PointPng, config: TrainConfig) -> None:
        super().__init__()
        self.autoencoder = MaskedAutoencoder(model.encoder)
        self._mask, self._precision = config.mae_mask, config.precision

    def forward(self, batch: TurnedViews, generator: torch.Generator, progress: float = 1.0
                ) -> Parts:
        """Return the loss under 'loss'."""
        clouds = batch.clouds.flatten(0, 1)
        with reduced_precision(self._precision, clouds.device):
            predicted, true = self.autoencoder(clouds, mask_ratio=self._mask, generator=generator)
        return {'loss': chamfer_loss(predicted, true)}


class PointPngTask(nn.Module):
    """Second stage: embeddings that turn, told from those of other rotations and objects."""

    def __init__(self, model: PointPng, config: TrainConfig) -> None:
        super().__init__()
        self.model, self._config = model, config

    def forward(self, batch: TurnedViews, generator: torch.Generator, progress: float = 1.0
                ) -> Parts:
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


def make_task(stage: str, model: Network, config: TrainConfig
              ) -> MaskedTask | PointPngTask | SteerableTask:
    """Return the task of a stage; all share the model's encoder."""
    if isinstance(model, SteerablePng):
        return SteerableTask(model, config)
    return (MaskedTask if stage == MAE else PointPngTask)(model, config)
