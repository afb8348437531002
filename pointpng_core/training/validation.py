"""How good the model is on objects held out from training."""

from collections.abc import Sequence

import torch
from torch import nn

from pointpng_core.embedding.encoders.learned import encoder_of
from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.embedding.networks.factory import Network
from pointpng_core.training.batches import Drawn, step_generator
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.data import ObjectSet
from pointpng_core.training.embedding_metrics import (
    JITTER,
    RotatedPairs,
    pair_cosines,
    pose_errors_deg,
    rotated_pairs,
    spread,
)
from pointpng_core.training.objectives import make_batch
from pointpng_core.training.schedule import MAE

OBJECTS, POSES = 192, 64
STEP = 2 ** 31
"""No step of a run: its generator draws nothing that training sees."""


class Validation:
    """The same objects, draws and rotations every time; the measures of `pointpng evaluate`."""

    def __init__(self, sets: Sequence[ObjectSet], config: TrainConfig, device: torch.device
                 ) -> None:
        self._config, self._device = config, device
        each = max(1, OBJECTS // max(1, len(sets)))
        chosen = [spread(objects.points, each) for objects in sets if len(objects)]
        self._objects = torch.cat(chosen) if chosen else None

    @torch.no_grad()
    def measure(self, stage: str, task: nn.Module, model: Network) -> dict[str, float]:
        """Return the metrics of a stage; none without held-out objects."""
        if self._objects is None:
            return {}
        task.eval()
        metrics = self._masked(task, self._objects) if stage == MAE \
            else self._turning(model, self._objects)
        task.train()
        return metrics

    def _masked(self, task: nn.Module, objects: torch.Tensor) -> dict[str, float]:
        generator = step_generator(self._config.seed, STEP, 0, self._device)
        points = objects.to(self._device)
        batch = make_batch(Drawn(points=points, normals=torch.zeros_like(points)), self._config,
                           generator)
        return {'val_loss': float(task(batch, generator)['loss'])}

    def _turning(self, network: Network, objects: torch.Tensor) -> dict[str, float]:
        """Return PA, AE, and the error of poses by embedding alone."""
        model = EmbeddingModel(name='', encoder=encoder_of(network), cope=network.cope)
        pairs = rotated_pairs(objects, self._config.model.points, jitter=JITTER,
                             generator=torch.Generator().manual_seed(self._config.seed))
        cosines = pair_cosines(model, pairs, device=str(self._device)).summary()
        some = torch.linspace(0, len(objects) - 1, min(POSES, len(objects))).long().tolist()
        errors = pose_errors_deg(model, RotatedPairs(
            source=[pairs.source[row] for row in some], target=[pairs.target[row] for row in some],
            R_target_source=pairs.R_target_source[some]), device=str(self._device))
        return {'val_pa': cosines['pa'], 'val_ae': cosines['ae'],
                'val_pose_median_deg': float(errors.median()),
                'val_pose_15deg': float((errors < 15.0).float().mean())}
