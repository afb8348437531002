"""Validation on objects held out from training."""

from collections.abc import Sequence

import torch
from torch import nn

from pointpng_core.embedding.encoders.learned import encoder_of
from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.embedding.networks.factory import Network
from pointpng_core.training.batches import ObjectBatch, step_generator
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.data import ObjectSet
from pointpng_core.training.embedding_metrics import (
    JITTER,
    pair_cosines,
    pose_errors_deg,
    rotated_pairs,
)
from pointpng_core.training.objectives import make_batch
from pointpng_core.training.point_samples import evenly_spaced
from pointpng_core.training.schedule import MAE

OBJECTS, POSES = 192, 64
"""Objects that are used at most, and pairs whose pose is estimated."""
GENERATOR_STEP = 2 ** 31
"""Beyond any step of a run, so that validation has its own random numbers."""


class Validation:
    """Metrics as in `pointpng evaluate`, on the same objects, samples and rotations every time."""

    def __init__(self, sets: Sequence[ObjectSet], config: TrainConfig, device: torch.device
                 ) -> None:
        self._config, self._device = config, device
        each = max(1, OBJECTS // max(1, len(sets)))
        chosen = [evenly_spaced(objects.points, each) for objects in sets if len(objects)]
        self._objects = torch.cat(chosen) if chosen else None

    @torch.no_grad()
    def measure(self, stage: str, task: nn.Module, model: Network) -> dict[str, float]:
        """Return the metrics of a stage by name; empty without held-out objects."""
        if self._objects is None:
            return {}
        task.eval()
        metrics = self._autoencoding(task, self._objects) if stage == MAE \
            else self._equivariance(model, self._objects)
        task.train()
        return metrics

    def _autoencoding(self, task: nn.Module, objects: torch.Tensor) -> dict[str, float]:
        generator = step_generator(self._config.seed, GENERATOR_STEP, 0, self._device)
        points = objects.to(self._device)
        batch = make_batch(ObjectBatch(points=points, normals=torch.zeros_like(points)),
                           self._config, generator)
        return {'val_loss': float(task(batch, generator)['loss'])}

    def _equivariance(self, network: Network, objects: torch.Tensor) -> dict[str, float]:
        """Return PA, AE, and the error of poses estimated from embeddings alone."""
        model = EmbeddingModel(name='', encoder=encoder_of(network), cope=network.cope)
        pairs = rotated_pairs(objects, self._config.model.points, jitter=JITTER,
                              generator=torch.Generator().manual_seed(self._config.seed))
        cosines = pair_cosines(model, pairs, device=str(self._device)).summary()
        rows = torch.linspace(0, len(objects) - 1, min(POSES, len(objects))).long().tolist()
        errors = pose_errors_deg(model, pairs.take(rows), device=str(self._device))
        return {'val_pa': cosines['pa'], 'val_ae': cosines['ae'],
                'val_pose_median_deg': float(errors.median()),
                'val_pose_15deg': float((errors < 15.0).float().mean())}
