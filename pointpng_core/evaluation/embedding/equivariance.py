"""Does the embedding rotate with its object? PA and AE after EquiMod.

    PA = mean cos(Theta_g z, z+)                 predictor accuracy
    AE = PA - mean cos(z, z+)                    absolute equivariance

z and z+ embed two samples of one object that share no point; the second one is rotated by g. An
embedding that ignores rotation reaches PA = 1, but its AE is 0.
"""

from collections.abc import Sequence
from typing import Any

import torch

from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.training.data import ObjectSet
from pointpng_core.training.embedding_metrics import (
    JITTER,
    Cosines,
    pair_cosines,
    rotated_pairs,
)
from pointpng_core.training.point_samples import cloud_points, evenly_spaced

BIN_DEG = 30


def evaluate_equivariance(model: EmbeddingModel, object_sets: Sequence[ObjectSet], *,
                          objects: int | None = None, points: int | None = None,
                          rotations: int = 1, jitter: float = JITTER, seed: int = 0,
                          device: str = 'cpu', batch: int = 64) -> dict[str, Any]:
    """Return PA and AE of a model: over all objects, by rotation angle and by source.

    At most `objects` of each set are used, spread evenly, and `rotations` pairs of each object. A
    sample has `points` points (default: as many as the encoder takes), or half of the object's
    where it has fewer than twice as many; `jitter` is in diameters.

    Returns {"model", "pa", "ae", "cosine_plain", "objects", "pairs", "points", "jitter",
    "rotations", "seed",
    "angles": [{"low_deg", "high_deg", "pa", "ae", "cosine_plain", "pairs"}],
    "sources": {NAME: {"pa", "ae", "cosine_plain", "pairs", "objects"}}}
    """
    generator = torch.Generator().manual_seed(seed)
    count = cloud_points(model.encoder, points)
    parts: list[tuple[str, int, Cosines]] = []
    for objects_of_set in object_sets:
        chosen = evenly_spaced(objects_of_set.points, objects)
        pairs = rotated_pairs(chosen.repeat(rotations, 1, 1), count, jitter=jitter,
                              generator=generator)
        parts.append((_free_name(objects_of_set.name, parts), len(chosen),
                      pair_cosines(model, pairs, device=device, batch=batch)))
    everything = Cosines.concatenate([cosines for _, _, cosines in parts])
    return {
        'model': model.name, **everything.summary(),
        'objects': sum(number for _, number, _ in parts), 'points': count, 'jitter': jitter,
        'rotations': rotations, 'seed': seed, 'angles': by_angle(everything),
        'sources': {name: {**cosines.summary(), 'objects': number}
                    for name, number, cosines in parts}}


def by_angle(cosines: Cosines) -> list[dict[str, Any]]:
    """Return a summary for each 30 degrees of rotation; 180 belongs to the last bin."""
    bins = (cosines.angle_deg / BIN_DEG).long().clamp(0, 180 // BIN_DEG - 1)
    return [{'low_deg': BIN_DEG * index, 'high_deg': BIN_DEG * (index + 1),
             **cosines.take(bins == index).summary()} for index in range(180 // BIN_DEG)]


def _free_name(name: str, parts: Sequence[tuple[str, int, Cosines]]) -> str:
    """Return a name that no part has yet: two sources may have the same name."""
    times = sum(other.partition(' #')[0] == name for other, _, _ in parts)
    return f'{name} #{times + 1}' if times else name


