"""Almost exact nearest surface points from table look-ups alone, for GPUs, which have no trees.

A field stores the point nearest to the centre of each cell. The best candidate of the eight cells
around a query is on the right side even of a thin wall; from there, a greedy walk on the graph of
nearest neighbours improves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from pointpng_core.reference.surface.voxel_lookup import SurfaceField

NEIGHBOURS = 16
"""Neighbours compared in one hop."""
HOPS = 1
"""Steps of the walk; the candidate is off by one or two point spacings, about one hop."""
CORNERS = tuple(product((-0.5, 0.5), repeat=3))
"""Offsets to the eight cells around a query, in cells."""
CHUNK = 2048
"""Points whose neighbours are searched at once; bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class SurfaceGraph:
    """The neighbours of the surface points of one or several references."""

    field: SurfaceField
    neighbours: Tensor
    """(S, NEIGHBOURS) rows of the surface, each point's own first."""
    steps: Tensor
    """(references, 8, 3) from a query into the cells whose centres are around it, metres."""

    def look_up(self, reference: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Return nearest points and their normals (H, n, 3), as the field does, for (H, n, 3)."""
        rows = self._nearest_of(self._around(reference, queries), queries)
        for _ in range(HOPS):
            rows = self._nearest_of(self.neighbours[rows], queries)
        return self.field.surface[rows].split(3, dim=-1)

    def _around(self, reference: Tensor, queries: Tensor) -> Tensor:
        """Return the rows (H, n, 8) that the field names in the cells around queries (H, n, 3)."""
        places = queries[:, :, None] + self.steps[reference, None]  # (H, n, 8, 3)
        return self.field.rows(reference, places.flatten(1, 2)).unflatten(1, (-1, len(CORNERS)))

    def _nearest_of(self, rows: Tensor, queries: Tensor) -> Tensor:
        """Return the row (H, n) of the point nearest to each query among some (H, n, K)."""
        points = self.field.surface[:, :3][rows]
        squared = (points - queries[..., None, :]).square().sum(-1)
        return rows.gather(-1, squared.argmin(dim=-1, keepdim=True)).squeeze(-1)

    @classmethod
    def of(cls, field: SurfaceField, surface_points: Sequence[int]) -> 'SurfaceGraph':
        """Connect the points of each surface of a field, given the number of points of each."""
        found, start = [], 0
        for surface in field.surface[:, :3].split(list(surface_points)):
            count = min(NEIGHBOURS, len(surface))
            near = torch.cat([nearest_rows(part, surface, count) for part in surface.split(CHUNK)])
            # A surface of fewer points repeats the farthest.
            column = torch.arange(NEIGHBOURS, device=near.device).clamp(max=count - 1)
            found.append(near[:, column] + start)
            start += len(surface)
        steps = field.cell.new_tensor(CORNERS) * field.cell[:, None, None]
        return cls(field=field, neighbours=torch.cat(found), steps=steps)


def nearest_rows(queries: Tensor, points: Tensor, count: int) -> Tensor:
    """Return the rows (..., Q, count) of the nearest points (..., N, 3) of queries (..., Q, 3).

    Nearest first.
    """
    # By differences: the faster way, by products, confuses points that are close together.
    distance = torch.cdist(queries, points, compute_mode='donot_use_mm_for_euclid_dist')
    return distance.topk(count, largest=False).indices
