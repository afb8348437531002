"""Nearest points of whole observations, and normals fitted to them, on their device: no trees."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.reference.surface.kd_tree import NEIGHBOURS
from pointpng_core.reference.surface.neighbour_graph import nearest_rows


@dataclass(frozen=True, kw_only=True)
class CloudTable:
    """The sampled points of observations, each about its centre."""

    points: Tensor
    """(O, n, 3)"""
    normals: Tensor
    """(O, n, 3) unit, of either sign."""

    @classmethod
    def of(cls, observations: Observations) -> 'CloudTable':
        """Fit the normals."""
        points = observations.points
        # A small cloud is repeated to fill its sample: of equal neighbours one is enough.
        copies = [-(-points.shape[1] // len(cloud)) for cloud in observations.clouds]
        return cls(points=points, normals=torch.stack([
            _normals(cloud, every) for cloud, every in zip(points, copies)]))

    def look_up(self, hypotheses: Hypotheses, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Return nearest points of the hypotheses' observations and normals (H, n, 3)."""
        points = self.points[hypotheses.observation]
        rows = nearest_rows(queries, points, 1).expand(-1, -1, 3)
        return points.gather(1, rows), self.normals[hypotheses.observation].gather(1, rows)


def _normals(points: Tensor, every: int) -> Tensor:
    """Return the least principal direction (n, 3) of the neighbours, one of `every` counted."""
    count = min(NEIGHBOURS * every, len(points))
    groups = points[nearest_rows(points, points, count)[:, ::every]]  # (n, k, 3)
    offsets = groups - groups.mean(dim=1, keepdim=True)
    return torch.linalg.eigh(offsets.transpose(1, 2) @ offsets)[1][..., 0]
