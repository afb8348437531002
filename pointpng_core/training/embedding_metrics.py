"""How well embeddings follow rotations: PA and AE after EquiMod, poses by embedding alone.

PA = mean cos(Theta_g z, z+)                 predictor accuracy
AE = PA - mean cos(z, z+)                    absolute equivariance
"""

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.estimation.search import RotationSearch
from pointpng_core.geometry.so3 import random_rotations, rotation_distance_rad
from pointpng_core.training.point_samples import disjoint_samples, in_batches, noisy

ROTATIONS, APART_RAD, REFINE_STEPS = 3072, 0.3, 5
JITTER = 0.005
"""Diameters: 0.01 of the unit ball, as in the resampled pair files."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RotatedPairs:
    """Two draws of each of B objects, and the rotation that lies between them."""

    source: list[Tensor]
    """B clouds (N_i, 3), centred, in diameters."""
    target: list[Tensor]
    R_target_source: Tensor
    """(B, 3, 3)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cosines:
    """What pairs score, (B,) each."""

    predicted: Tensor
    """cos(Theta_g z, z+)"""
    plain: Tensor
    """cos(z, z+)"""
    angle_deg: Tensor
    """of g, in [0, 180]"""

    def summary(self) -> dict[str, Any]:
        """Return PA, AE and the plain cosine; None where there is no pair."""
        if len(self.predicted) == 0:
            return {'pa': None, 'ae': None, 'cosine_plain': None, 'pairs': 0}
        pa, plain = self.predicted.mean().item(), self.plain.mean().item()
        return {'pa': pa, 'ae': pa - plain, 'cosine_plain': plain, 'pairs': len(self.predicted)}

    def take(self, chosen: Tensor) -> 'Cosines':
        """Return the pairs that a mask or index (K,) names."""
        return Cosines(**{name: values[chosen] for name, values in vars(self).items()})


def rotated_pairs(objects: Tensor, points: int, *, jitter: float, generator: torch.Generator
                 ) -> RotatedPairs:
    """Return a pair of draws of each object (K, P, 3), both turned by random rotations.

    The source is turned too, so that the pose in which a file keeps its objects is of no help.
    """
    R_source = random_rotations((len(objects),), generator=generator)
    R_target_source = random_rotations((len(objects),), generator=generator)
    source, target = [], []
    for cloud, R, R_further in zip(objects, R_source, R_target_source):
        first, second = disjoint_samples(cloud, points, generator=generator)
        source.append(noisy(first @ R.T, jitter, generator=generator))
        target.append(noisy(second @ (R_further @ R).T, jitter, generator=generator))
    return RotatedPairs(source=source, target=target, R_target_source=R_target_source)


@torch.no_grad()
def pair_cosines(model: EmbeddingModel, pairs: RotatedPairs, *, device: str = 'cpu',
                 batch: int = 64) -> Cosines:
    """Return how well the model predicts each target from its source."""
    z_source = in_batches(model.encoder.encode, pairs.source, device=device, batch=batch)
    z_target = in_batches(model.encoder.encode, pairs.target, device=device, batch=batch)
    anchors = torch.cat([
        model.cope.apply(R.to(device), z.to(device)).float().cpu()
        for R, z in zip(pairs.R_target_source.split(batch), z_source.split(batch))])
    still = torch.eye(3).expand_as(pairs.R_target_source)
    return Cosines(
        predicted=(normalize(anchors, dim=-1) * z_target).sum(-1),
        plain=(z_source * z_target).sum(-1),
        angle_deg=torch.rad2deg(rotation_distance_rad(still, pairs.R_target_source)))


def joined(parts: Sequence[Cosines]) -> Cosines:
    """Return the pairs of all parts."""
    return Cosines(**{name: torch.cat([getattr(part, name) for part in parts])
                      for name in ('predicted', 'plain', 'angle_deg')})


def spread(rows: Tensor, limit: int | None) -> Tensor:
    """Return at most `limit` of the rows (K, ...), evenly spread."""
    if limit is None or limit >= len(rows):
        return rows
    return rows[torch.linspace(0, len(rows) - 1, limit).round().long()]


@torch.no_grad()
def pose_errors_deg(model: EmbeddingModel, pairs: RotatedPairs, *, device: str = 'cpu') -> Tensor:
    """Return the angles (B,) between the best rotations in embedding space and the true ones."""
    search = RotationSearch(model.cope, rotations=ROTATIONS, device=torch.device(device))
    z = [in_batches(model.encoder.encode, clouds, device=device)
         for clouds in (pairs.source, pairs.target)]
    found = torch.cat([
        search.peaks(source.to(device), target.to(device), count=1, apart_rad=APART_RAD,
                     refine_steps=REFINE_STEPS)[0][:, 0].cpu()
        for source, target in zip(*(part.split(64) for part in z))])
    return rotation_distance_rad(found, pairs.R_target_source) * 180.0 / math.pi
