"""Almost exact nearest surface points from table look-ups alone, for GPUs, which have no trees.

A field stores the point nearest to the centre of each cell. The best candidate of the eight cells
around a query is on the right side even of a thin wall; from there, a greedy walk on the graph of
nearest neighbours improves it.
"""

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import embedding

from pointpng_core.reference.surface.voxel_lookup import SurfaceField

HOPS = 1
"""Steps of the walk; the candidate is off by one or two point spacings, about one hop."""
CORNERS = tuple(product((-0.5, 0.5), repeat=3))
"""Offsets to the eight cells around a query, in cells."""


@dataclass(frozen=True, kw_only=True)
class SurfaceGraph:
    """The surfaces of one or several references, each point linked to its neighbours."""

    field: SurfaceField
    places: Tensor
    """(S, 3) the points of the field alone, side by side in memory."""
    steps: Tensor
    """(references, 8, 3) from a query into the cells whose centres are around it, metres."""

    def look_up(self, reference: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Return nearest points and their normals (H, n, 3), as the field does, for (H, n, 3)."""
        rows = self._nearest_of(self._around(reference, queries), queries)
        for _ in range(HOPS):
            around = self.field.neighbours.index_select(0, rows.flatten())
            rows = self._nearest_of(around.unflatten(0, rows.shape), queries)
        nearest, normals = embedding(rows, self.field.surface).split(3, dim=-1)
        return nearest, normals

    def _around(self, reference: Tensor, queries: Tensor) -> Tensor:
        """Return the rows (H, n, 8) that the field names in the cells around queries (H, n, 3)."""
        places = queries[:, :, None] + self.steps[reference, None]  # (H, n, 8, 3)
        return self.field.rows(reference, places.flatten(1, 2)).unflatten(1, (-1, len(CORNERS)))

    def _nearest_of(self, rows: Tensor, queries: Tensor) -> Tensor:
        """Return the row (H, n) of the point nearest to each query among some (H, n, K)."""
        x, y, z = embedding(rows, self.places).sub_(queries[..., None, :]).square_().unbind(-1)
        return rows.gather(-1, (x + y).add_(z).argmin(dim=-1, keepdim=True)).squeeze(-1)

    @classmethod
    def of(cls, field: SurfaceField) -> 'SurfaceGraph':
        """Prepare the walk on the surfaces of a field."""
        steps = field.cell.new_tensor(CORNERS) * field.cell[:, None, None]
        return cls(field=field, places=field.surface[:, :3].contiguous(), steps=steps)


def nearest_rows(queries: Tensor, points: Tensor, count: int) -> Tensor:
    """Return the rows (..., Q, count) of the nearest points (..., N, 3) of queries (..., Q, 3).

    Nearest first.
    """
    # By differences: the faster way, by products, confuses points that are close together.
    distance = torch.cdist(queries, points, compute_mode='donot_use_mm_for_euclid_dist')
    return distance.topk(count, largest=False).indices
