"""How good the model is on objects held out from training."""

from collections.abc import Sequence
import math

import torch
from torch import Tensor

from pointpng_core.augmentation import AugmentConfig, random_views
from pointpng_core.data.objects import ObjectSet
from pointpng_core.losses import pair_terms
from pointpng_core.models.point_png import PointPng
from pointpng_core.search import RotationSearch
from pointpng_core.so3 import rotation_distance_rad
from pointpng_core.training.batches import step_generator
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.schedule import MAE
from pointpng_core.training.tasks import make_batch

OBJECTS, POSES, ROTATIONS = 192, 64, 3072
PLAIN = AugmentConfig(scale_low=1.0, scale_high=1.0, crop_share=0.0, view_share=0.0)
"""Whole objects, resampled, with noise, turned anyhow."""


class Validation:
    """The same objects, draws and rotations every time."""

    def __init__(self, sets: Sequence[ObjectSet], config: TrainConfig, device: torch.device
                 ) -> None:
        self._config = config
        self._generator_of = lambda: step_generator(config.seed, 2 ** 31, 0, device)
        each = max(1, OBJECTS // max(1, len(sets)))
        chosen = [objects.points[:each] for objects in sets if len(objects.points)]
        self._objects = torch.cat(chosen).to(device) if chosen else None

    @torch.no_grad()
    def measure(self, stage: str, task: torch.nn.Module, model: PointPng) -> dict[str, float]:
        """Return the metrics of a stage; none without held-out objects."""
        if self._objects is None:
            return {}
        model.eval()
        task.eval()
        metrics = self._masked(task) if stage == MAE else self._turning(model)
        task.train()
        model.train()
        return metrics

    def _masked(self, task: torch.nn.Module) -> dict[str, float]:
        assert self._objects is not None
        generator = self._generator_of()
        batch = make_batch(self._objects, self._config, generator)
        return {'val_loss': float(task(batch, generator)['loss'])}

    def _turning(self, model: PointPng) -> dict[str, float]:
        """Return PA, AE, and the error of poses by embedding alone."""
        assert self._objects is not None
        clouds, R = random_views(self._objects, 2, self._config.model.points, config=PLAIN,
                                 generator=self._generator_of())
        z = torch.cat([model(chunk) for chunk in clouds.flatten(0, 1).split(64)])
        z = z.unflatten(0, clouds.shape[:2])  # (B, 2, d)
        terms = pair_terms(model.cope, z, R)
        errors = self._pose_errors_deg(model, z, R)
        return {'val_pa': float(terms.predictor_accuracy),
                'val_ae': float(terms.absolute_equivariance),
                'val_pose_median_deg': float(errors.median()),
                'val_pose_15deg': float((errors < 15.0).float().mean())}

    def _pose_errors_deg(self, model: PointPng, z: Tensor, R: Tensor) -> Tensor:
        some = torch.linspace(0, len(z) - 1, min(POSES, len(z)), device=z.device).long()
        search = RotationSearch(model.cope, rotations=ROTATIONS, device=z.device)
        found, _ = search.peaks(z[some, 0], z[some, 1], count=1, apart_rad=0.3, refine_steps=3)
        truth = R[some, 1] @ R[some, 0].transpose(-1, -2)
        return rotation_distance_rad(found[:, 0], truth) * 180.0 / math.pi
