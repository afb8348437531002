"""Equivariance of an embedding: predictor accuracy (PA), absolute equivariance (AE), pose error.

    PA = mean cos(Theta_g z, z+)
    AE = PA - mean cos(z, z+)

after EquiMod (arXiv 2211.01244): z and z+ are embeddings of two point samples of one object that
differ by a rotation g. An embedding that ignores rotations has a high PA, but AE = 0. The pose
error is that of the rotation search in embedding space alone, without any registration.
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
from pointpng_core.training.point_samples import disjoint_samples, in_batches, with_noise

JITTER = 0.005
"""Standard deviation of the noise of a point, diameters: 0.01 of the unit ball."""
ROTATIONS, APART_RAD, REFINE_STEPS = 3072, 0.3, 5
"""The rotation search: size of the grid, separation of its peaks, and refinement steps."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RotatedPairs:
    """Two point samples of each of B objects, and the rotation between them."""

    source: list[Tensor]
    """B clouds (N_i, 3), centred, in diameters."""
    target: list[Tensor]
    """B clouds (N_i, 3), centred, in diameters."""
    R_target_source: Tensor
    """(B, 3, 3)"""

    def take(self, rows: Sequence[int]) -> 'RotatedPairs':
        """Return the pairs at some indices."""
        return RotatedPairs(source=[self.source[row] for row in rows],
                            target=[self.target[row] for row in rows],
                            R_target_source=self.R_target_source[list(rows)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Cosines:
    """Cosine similarities of B pairs of embeddings with and without prediction, (B,) each."""

    predicted: Tensor
    """cos(Theta_g z, z+)"""
    unpredicted: Tensor
    """cos(z, z+)"""
    angle_deg: Tensor
    """Angle of the rotation g, in [0, 180]."""

    @classmethod
    def concatenate(cls, parts: Sequence['Cosines']) -> 'Cosines':
        """Return the pairs of all parts, in their order."""
        return cls(**{name: torch.cat([getattr(part, name) for part in parts])
                      for name in ('predicted', 'unpredicted', 'angle_deg')})

    def take(self, selection: Tensor) -> 'Cosines':
        """Return the pairs that a mask (B,) or indices (K,) select."""
        return Cosines(**{name: values[selection] for name, values in vars(self).items()})

    def summary(self) -> dict[str, Any]:
        """Return PA, AE and mean cos(z, z+), or None for each without pairs, as JSON values."""
        if len(self.predicted) == 0:
            return {'pa': None, 'ae': None, 'cosine_plain': None, 'pairs': 0}
        pa, unpredicted = self.predicted.mean().item(), self.unpredicted.mean().item()
        return {'pa': pa, 'ae': pa - unpredicted, 'cosine_plain': unpredicted,
                'pairs': len(self.predicted)}


def rotated_pairs(objects: Tensor, points: int, *, jitter: float, generator: torch.Generator
                  ) -> RotatedPairs:
    """Return a pair of disjoint samples of each object (K, P, 3), both rotated at random.

    The source is rotated as well: a model must not profit from the canonical poses of a data set.
    """
    R_source = random_rotations((len(objects),), generator=generator)
    R_target_source = random_rotations((len(objects),), generator=generator)
    source, target = [], []
    for cloud, R, R_further in zip(objects, R_source, R_target_source):
        first, second = disjoint_samples(cloud, points, generator=generator)
        source.append(with_noise(first @ R.T, jitter, generator=generator))
        target.append(with_noise(second @ (R_further @ R).T, jitter, generator=generator))
    return RotatedPairs(source=source, target=target, R_target_source=R_target_source)


@torch.no_grad()
def pair_cosines(model: EmbeddingModel, pairs: RotatedPairs, *, device: str = 'cpu',
                 batch: int = 64) -> Cosines:
    """Return how well the model predicts the embedding of each target from that of its source."""
    z_source = in_batches(model.encoder.encode, pairs.source, device=device, batch=batch)
    z_target = in_batches(model.encoder.encode, pairs.target, device=device, batch=batch)
    predictions = torch.cat([
        model.cope.apply(R.to(device), z.to(device)).float().cpu()
        for R, z in zip(pairs.R_target_source.split(batch), z_source.split(batch))])
    identity = torch.eye(3).expand_as(pairs.R_target_source)
    return Cosines(
        predicted=(normalize(predictions, dim=-1) * z_target).sum(-1),
        unpredicted=(z_source * z_target).sum(-1),
        angle_deg=torch.rad2deg(rotation_distance_rad(identity, pairs.R_target_source)))


@torch.no_grad()
def pose_errors_deg(model: EmbeddingModel, pairs: RotatedPairs, *, device: str = 'cpu') -> Tensor:
    """Return the angles (B,) between the best rotations in embedding space and the true ones."""
    search = RotationSearch(model.cope, rotations=ROTATIONS, device=torch.device(device))
    z = [in_batches(model.encoder.encode, clouds, device=device)
         for clouds in (pairs.source, pairs.target)]
    estimated = torch.cat([
        search.peaks(source.to(device), target.to(device), count=1, apart_rad=APART_RAD,
                     refine_steps=REFINE_STEPS)[0][:, 0].cpu()
        for source, target in zip(*(part.split(64) for part in z))])
    return rotation_distance_rad(estimated, pairs.R_target_source) * 180.0 / math.pi
