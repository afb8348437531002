"""The objectives of both stages: batches of views, and modules from a batch to its loss."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pointpng_core.embedding.devices import reduced_precision
from pointpng_core.embedding.losses import point_png_loss
from pointpng_core.embedding.networks.config import STEERABLE
from pointpng_core.embedding.networks.factory import Network
from pointpng_core.embedding.networks.masked_autoencoder import MaskedAutoencoder, chamfer_loss
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.embedding.networks.steerable import SteerablePng
from pointpng_core.training.augmentation import random_views
from pointpng_core.training.batches import ObjectBatch
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.schedule import MAE
from pointpng_core.training.steerable_objective import (
    SteerableBatch,
    SteerableTask,
    steerable_batch,
)

LossTerms = dict[str, Tensor]
"""The loss under 'loss', and its terms and metrics by name (scalars)."""


class RotatedViews(NamedTuple):
    """V rotated views of each of B objects, and their rotations."""

    clouds: Tensor
    """(B, V, n, 3)"""
    R: Tensor
    """(B, V, 3, 3)"""

    @property
    def cloud_count(self) -> int:
        """Return the number of clouds that the network encodes."""
        return self.clouds.shape[0] * self.clouds.shape[1]


Batch = RotatedViews | SteerableBatch


def make_batch(objects: ObjectBatch, config: TrainConfig, generator: torch.Generator) -> Batch:
    """Return the augmented views of objects for one step, as the encoder requires them."""
    if config.model.encoder == STEERABLE:
        return steerable_batch(objects, config, generator)
    return RotatedViews(*random_views(objects.points, config.views, config.model.points,
                                     config=config.augment, generator=generator))


class MaskedTask(nn.Module):
    """First stage: masked autoencoding of every view (Point-MAE, arXiv 2203.06604)."""

    def __init__(self, model: PointPng, config: TrainConfig) -> None:
        super().__init__()
        self.autoencoder = MaskedAutoencoder(model.encoder)
        self._mask, self._precision = config.mae_mask, config.precision

    def forward(self, batch: RotatedViews, generator: torch.Generator, progress: float = 1.0
                ) -> LossTerms:
        """Return the Chamfer distance of the masked patches under 'loss'."""
        clouds = batch.clouds.flatten(0, 1)
        with reduced_precision(self._precision, clouds.device):
            predicted, true = self.autoencoder(clouds, mask_ratio=self._mask, generator=generator)
        return {'loss': chamfer_loss(predicted, true)}


class PointPngTask(nn.Module):
    """Second stage: the loss of Point-PNG (arXiv 2409.15832)."""

    def __init__(self, model: PointPng, config: TrainConfig) -> None:
        super().__init__()
        self.model, self._config = model, config

    def forward(self, batch: RotatedViews, generator: torch.Generator, progress: float = 1.0
                ) -> LossTerms:
        """Return the loss under 'loss', its terms, and PA and AE of the batch.

        `progress` is the completed share of the stage.
        """
        clouds, R = batch
        config = self._config
        with reduced_precision(config.precision, clouds.device):
            z = self.model(clouds.flatten(0, 1), mask_ratio=config.png_mask, generator=generator)
        terms = point_png_loss(self.model.cope, z.unflatten(0, clouds.shape[:2]), R,
                               beta=config.beta, negatives=config.negatives, tau=config.tau,
                               boost=boost_at(progress, config.boost), generator=generator)
        return vars(terms)


def boost_at(progress: float, boost: float) -> float:
    """Return the factor on L_cope after a share `progress` of the stage.

    While rotations are not predicted well yet (below a cosine of about 1 - beta M / (M + 1)), an
    equivariant embedding costs more in L_align than it saves in L_cope, and the embedding
    collapses to invariance.
    """
    return 1.0 + (boost - 1.0) * min(1.0, max(0.0, 2.0 - 2.5 * progress))


def make_task(stage: str, model: Network, config: TrainConfig
              ) -> MaskedTask | PointPngTask | SteerableTask:
    """Return the task of a stage; the tasks share the encoder of the model."""
    if isinstance(model, SteerablePng):
        return SteerableTask(model, config)
    return (MaskedTask if stage == MAE else PointPngTask)(model, config)
