"""Errors of poses by embedding alone."""

import math

import torch
from torch import Tensor

from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.estimation.search import RotationSearch
from pointpng_core.evaluation.embedding.equivariance import TurnedPairs
from pointpng_core.geometry.so3 import rotation_distance_rad
from pointpng_core.training.point_samples import in_batches

ROTATIONS, APART_RAD, REFINE_STEPS = 3072, 0.3, 5


@torch.no_grad()
def pose_errors_deg(model: EmbeddingModel, pairs: TurnedPairs, *, device: str = 'cpu') -> Tensor:
    """Return the angles (B,) between the best rotations in embedding space and the true ones."""
    search = RotationSearch(model.cope, rotations=ROTATIONS, device=torch.device(device))
    z = [in_batches(model.encoder.encode, clouds, device=device)
         for clouds in (pairs.source, pairs.target)]
    found = torch.cat([
        search.peaks(source.to(device), target.to(device), count=1, apart_rad=APART_RAD,
                     refine_steps=REFINE_STEPS)[0][:, 0].cpu()
        for source, target in zip(*(part.split(64) for part in z))])
    return rotation_distance_rad(found, pairs.R_target_source) * 180.0 / math.pi
