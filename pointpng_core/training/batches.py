"""Batches of objects, sampled from the sources by weight, reproducibly for every step.

The generator of a step is seeded with (seed, step, process), so that a resumed run gets the same
batches as one that was not interrupted.
"""

from collections.abc import Sequence
import dataclasses
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pointpng_core.errors import ConfigError
from pointpng_core.training.data.objects import ObjectSet


def step_generator(seed: int, step: int, rank: int, device: torch.device) -> torch.Generator:
    """Return the generator of one step of one process."""
    state = np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0]
    return torch.Generator(device=device).manual_seed(int(state) >> 1)


def held_out(sets: Sequence[ObjectSet], share: float, seed: int
             ) -> tuple[list[ObjectSet], list[ObjectSet]]:
    """Split every set at random into training and validation objects, by the seed."""
    training, validation = [], []
    for number, objects in enumerate(sets):
        order = np.random.default_rng([seed, number]).permutation(len(objects))
        count = round(share * len(order))
        training.append(subset(objects, np.sort(order[count:])))
        validation.append(subset(objects, np.sort(order[:count])))
    return training, validation


def subset(objects: ObjectSet, rows: 'np.ndarray[tuple[int], np.dtype[np.int64]]') -> ObjectSet:
    """Return the objects of a set at indices (K,)."""
    index = torch.from_numpy(rows)
    return dataclasses.replace(objects, points=objects.points[index],
                               normals=objects.normals[index], labels=objects.labels[index],
                               names=tuple(objects.names[row] for row in rows))


class ObjectBatch(NamedTuple):
    """B objects of P points, as an `ObjectSet` holds them."""

    points: Tensor
    """(B, P, 3)"""
    normals: Tensor
    """(B, P, 3) zero where unknown."""


class ObjectSampler:
    """Samples objects: a source by its weight, then one of its objects uniformly."""

    def __init__(self, sets: Sequence[ObjectSet], device: torch.device) -> None:
        filled = [objects for objects in sets if len(objects.points)]
        if not filled:
            raise ConfigError('no objects to train on: name at least one source that has some')
        self._points = torch.cat([objects.points for objects in filled]).to(device)  # (K, P, 3)
        self._normals = torch.cat([objects.normals for objects in filled]).to(device)
        sizes = torch.tensor([len(objects.points) for objects in filled], dtype=torch.float64)
        weights = torch.tensor([objects.weight for objects in filled], dtype=torch.float64)
        each = (weights / weights.sum() / sizes).repeat_interleave(sizes.long())
        self._bounds = each.cumsum(0).to(device)  # (K,)
        self.count = len(self._points)

    def sample(self, count: int, generator: torch.Generator) -> ObjectBatch:
        """Return `count` objects, sampled with replacement."""
        positions = torch.rand(count, generator=generator, device=self._bounds.device,
                               dtype=torch.float64)
        rows = torch.searchsorted(self._bounds, positions * self._bounds[-1])
        rows = rows.clamp(max=self.count - 1)
        return ObjectBatch(points=self._points[rows], normals=self._normals[rows])
