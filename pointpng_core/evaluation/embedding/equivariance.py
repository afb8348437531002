"""Does the embedding turn with its object? PA and AE after EquiMod (method.md, section 1).

    PA = mean cos(Theta_g z, z+)                 predictor accuracy
    AE = PA - mean cos(z, z+)                    absolute equivariance

z and z+ embed two draws of one object that share no point, the second turned by g against the
first. An embedding that ignores rotation reaches PA = 1, but its AE is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.geometry.so3 import random_rotations, rotation_distance_rad
from pointpng_core.training.data import ObjectSet
from pointpng_core.training.point_samples import cloud_points, disjoint_draws, in_batches, noisy

BIN_DEG = 30
JITTER = 0.005
"""Diameters: 0.01 of the unit ball, as in the resampled pair files."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TurnedPairs:
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


def evaluate_equivariance(model: EmbeddingModel, object_sets: Sequence[ObjectSet], *,
                          objects: int | None = None, points: int | None = None,
                          turns: int = 1, jitter: float = JITTER, seed: int = 0,
                          device: str = 'cpu', batch: int = 64) -> dict[str, Any]:
    """Return PA and AE of a model on objects: of all, by rotation angle, by source.

    At most `objects` of each set, spread evenly; `turns` pairs of each object; `points` per draw
    (default: what the encoder wants), half of the object's where it has fewer than twice as many;
    `jitter` in diameters.

    {"model", "pa", "ae", "cosine_plain", "objects", "pairs", "points", "jitter", "turns", "seed",
    "angles": [{"low_deg", "high_deg", "pa", "ae", "cosine_plain", "pairs"}],
    "sources": {NAME: {"pa", "ae", "cosine_plain", "pairs", "objects"}}}
    """
    generator = torch.Generator().manual_seed(seed)
    count = cloud_points(model.encoder, points)
    parts: list[tuple[str, int, Cosines]] = []
    for objects_of_set in object_sets:
        chosen = spread(objects_of_set.points, objects)
        pairs = turned_pairs(chosen.repeat(turns, 1, 1), count, jitter=jitter, generator=generator)
        parts.append((_free_name(objects_of_set.name, parts), len(chosen),
                      pair_cosines(model, pairs, device=device, batch=batch)))
    everything = joined([cosines for _, _, cosines in parts])
    return {
        'model': model.name, **everything.summary(),
        'objects': sum(number for _, number, _ in parts), 'points': count, 'jitter': jitter,
        'turns': turns, 'seed': seed, 'angles': by_angle(everything),
        'sources': {name: {**cosines.summary(), 'objects': number}
                    for name, number, cosines in parts}}


def turned_pairs(objects: Tensor, points: int, *, jitter: float, generator: torch.Generator
                 ) -> TurnedPairs:
    """Return a pair of draws of each object (K, P, 3), both turned by random rotations.

    The source is turned too, so that the pose in which a file keeps its objects is of no help.
    """
    R_source = random_rotations((len(objects),), generator=generator)
    R_target_source = random_rotations((len(objects),), generator=generator)
    source, target = [], []
    for cloud, R, R_further in zip(objects, R_source, R_target_source):
        first, second = disjoint_draws(cloud, points, generator=generator)
        source.append(noisy(first @ R.T, jitter, generator=generator))
        target.append(noisy(second @ (R_further @ R).T, jitter, generator=generator))
    return TurnedPairs(source=source, target=target, R_target_source=R_target_source)


@torch.no_grad()
def pair_cosines(model: EmbeddingModel, pairs: TurnedPairs, *, device: str = 'cpu',
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


def by_angle(cosines: Cosines) -> list[dict[str, Any]]:
    """Return a summary for each 30 degrees of rotation; 180 belongs to the last bin."""
    bins = (cosines.angle_deg / BIN_DEG).long().clamp(0, 180 // BIN_DEG - 1)
    return [{'low_deg': BIN_DEG * index, 'high_deg': BIN_DEG * (index + 1),
             **cosines.take(bins == index).summary()} for index in range(180 // BIN_DEG)]


def _free_name(name: str, parts: Sequence[tuple[str, int, Cosines]]) -> str:
    """Return a name that no part has yet: two sources may be called the same."""
    times = sum(other.partition(' #')[0] == name for other, _, _ in parts)
    return f'{name} #{times + 1}' if times else name


def joined(parts: Sequence[Cosines]) -> Cosines:
    """Return the pairs of all parts."""
    return Cosines(**{name: torch.cat([getattr(part, name) for part in parts])
                      for name in ('predicted', 'plain', 'angle_deg')})


def spread(rows: Tensor, limit: int | None) -> Tensor:
    """Return at most `limit` of the rows (K, ...), evenly spread."""
    if limit is None or limit >= len(rows):
        return rows
    return rows[torch.linspace(0, len(rows) - 1, limit).round().long()]
