"""Nearest surface points by table look-up, which makes hundreds of ICP starts cheap.

Every cell of a cubic grid around a reference stores the surface point nearest to its centre. A
query is then an index computation and a gather, the same on CPU and GPU. The returned point may
not be the nearest one, by an error below half a cell diagonal, but its position is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
import torch
from torch import Tensor

CELLS = 40
"""Cells along each edge of the grid."""
MARGIN_DIAMETERS = 0.2
"""How far beyond the surface's box the grid reaches; queries outside use the nearest cell."""
NEIGHBOURS = 16
"""Neighbours that are known of each surface point, for the walk of `neighbour_graph`."""


@dataclass(frozen=True, kw_only=True)
class SurfaceField:
    """The surfaces of one or several references, each relative to its own centre, metres."""

    surface: Tensor
    """(S, 6) points and unit normals of all references, one after the other."""
    nearest: Tensor
    """(references * CELLS^3,) int32 row of the surface point nearest to each cell's centre."""
    neighbours: Tensor
    """(S, NEIGHBOURS) int32 rows of the points nearest to each surface point, its own first."""
    origin: Tensor
    """(references, 3) corner of each grid."""
    cell: Tensor
    """(references,) edge of a cell, metres."""
    reach: Tensor
    """(references,) radius of the disc that stands for a surface point."""

    def look_up(self, reference: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Return nearest points and their normals (H, n, 3) for queries (H, n, 3).

        `reference` (H,) is the reference whose surface each row of queries is compared with.
        """
        return self.grids(reference).look_up(queries)

    def rows(self, reference: Tensor, queries: Tensor) -> Tensor:
        """Return the rows (H, n) of the nearest surface points, int32, for queries (H, n, 3)."""
        return self.grids(reference).rows(queries)

    def grids(self, reference: Tensor) -> 'Grids':
        """Return the grids of the references (H,) that rows of queries are compared with."""
        parts = self._all_grids
        if len(self.cell) > 1:  # that of a single reference serves any number of rows as it is
            parts = tuple(part[reference] for part in parts)
        return Grids(field=self, **dict(zip(('cells_per_m', 'shift', 'start'), parts)))

    @cached_property
    def _all_grids(self) -> tuple[Tensor, ...]:
        """Return cells_per_m, shift and start, as `Grids` has them, of every reference."""
        count, cell = len(self.cell), self.cell[:, None, None]
        start = torch.arange(count, device=cell.device, dtype=torch.int32) * CELLS ** 3
        return 1.0 / cell, self.origin[:, None] / -cell, start[:, None]

    @classmethod
    def stack(cls, fields: Sequence['SurfaceField']) -> 'SurfaceField':
        """Return one field that holds the references of all given ones, in order."""
        starts = np.cumsum([0] + [len(field.surface) for field in fields])
        rows = {name: torch.cat([getattr(field, name) + int(start)
                                 for field, start in zip(fields, starts)])
                for name in ('nearest', 'neighbours')}
        joined = {name: torch.cat([getattr(field, name) for field in fields])
                  for name in ('surface', 'origin', 'cell', 'reach')}
        return cls(**rows, **joined)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the tensors as arrays by name, for the cache."""
        return {name: getattr(self, name).cpu().numpy() for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]], device: torch.device
                    ) -> 'SurfaceField':
        """Build from what `arrays` returned."""
        return cls(**{name: torch.from_numpy(arrays[name]).to(device)
                      for name in cls.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class Grids:
    """A field prepared for look-ups of H rows of queries, each in the grid of its reference."""

    field: SurfaceField
    cells_per_m: Tensor
    """(H, 1, 1), or 1 for H where there is but one reference, here and below."""
    shift: Tensor
    """(H, 1, 3) from the grid's corner, in cells."""
    start: Tensor
    """(H, 1) int32 row of the first cell."""

    def look_up(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Return nearest points and their normals (H, n, 3), in memory as (H, 3, n)."""
        # Embedding look-ups of 32-bit rows are the fastest gather there is on the CPU.
        found = torch.nn.functional.embedding(self.rows(queries), self.field.surface)
        nearest, normals = found.transpose(1, 2).contiguous().transpose(1, 2).split(3, dim=-1)
        return nearest, normals

    def rows(self, queries: Tensor) -> Tensor:
        """Return the rows (H, n) of the nearest surface points, int32, for queries (H, n, 3)."""
        cells = torch.addcmul(self.shift, queries, self.cells_per_m).clamp_(0, CELLS - 1).int()
        x, y, z = cells.unbind(-1)
        flat = (x * CELLS + y).mul_(CELLS).add_(z).add_(self.start)
        return self.field.nearest.index_select(0, flat.flatten()).view(flat.shape)


def build_field(points: NDArray[np.float32], normals: NDArray[np.float32], *, diameter_m: float,
                spacing_m: float, device: torch.device) -> SurfaceField:
    """Build the field of one reference from its surface points and normals (N, 3)."""
    low, high = points.min(axis=0), points.max(axis=0)
    edge = float((high - low).max()) + 2 * MARGIN_DIAMETERS * diameter_m
    cell, origin = edge / CELLS, (low + high) / 2 - edge / 2
    ticks = (np.arange(CELLS) + 0.5) * cell
    centres = np.stack(np.meshgrid(ticks, ticks, ticks, indexing='ij'), axis=-1).reshape(-1, 3)
    tree = cKDTree(points)
    _, nearest = tree.query(centres + origin, workers=-1)
    # A surface of fewer points repeats the farthest.
    _, neighbours = tree.query(points, k=np.arange(NEIGHBOURS).clip(max=len(points) - 1) + 1,
                               workers=-1)
    reach = disc_reach_m(spacing_m, cell)
    arrays = {'surface': np.hstack((points, normals)), 'nearest': nearest.astype(np.int32),
              'neighbours': neighbours.astype(np.int32),
              'origin': origin[None].astype(np.float32),
              'cell': np.array([cell], np.float32), 'reach': np.array([reach], np.float32)}
    return SurfaceField.from_arrays(arrays, device)


def disc_reach_m(spacing_m: float, cell_m: float) -> float:
    """Return the radius of the disc of a surface point, which covers the usual look-up error."""
    return max(spacing_m, 0.6 * cell_m)
