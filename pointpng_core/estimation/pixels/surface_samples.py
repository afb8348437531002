"""References as samples of their surfaces, side by side, as images of them are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pointpng_core.reference.reference import Reference

POINTS = 3000
"""Points of a surface that are drawn: an object of 10 cm has one every 3 mm."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfaceSamples:
    """R surfaces by S points each; a surface with fewer is filled up with points of no weight."""

    points: Tensor
    """(R, S, 3) in the frame of each reference, metres."""
    normals: Tensor
    """(R, S, 3)"""
    counts: Tensor
    """(R, S) whether a point counts."""
    area_m2: Tensor
    """(R,) of the surface for each point."""
    spacing_m: Tensor
    """(R,) distance between neighbours in the reference itself."""
    radius_m: Tensor
    """(R,) half the diameter."""
    outward: Tensor
    """(R,) whether the normals are known to point outwards."""

    @classmethod
    def of(cls, references: Sequence[Reference], device: torch.device | str = 'cpu'
           ) -> 'SurfaceSamples':
        """Return the samples of references, evenly chosen."""
        chosen = [_rows(reference) for reference in references]
        size = max(len(rows) for rows in chosen)
        filled = [np.resize(rows, size) for rows in chosen]

        def stacked(values: list[np.ndarray]) -> Tensor:
            return torch.from_numpy(np.stack(values)).float().to(device)
        return cls(
            points=stacked([r.points[rows] for r, rows in zip(references, filled)]),
            normals=stacked([r.normals[rows] for r, rows in zip(references, filled)]),
            counts=stacked([np.arange(size) < len(rows) for rows in chosen]).bool(),
            area_m2=stacked([np.array(r.point_area_m2 * len(r.points) / len(rows))
                             for r, rows in zip(references, chosen)]),
            spacing_m=stacked([np.array(r.spacing_m) for r in references]),
            radius_m=stacked([np.array(r.diameter_m / 2) for r in references]),
            outward=torch.tensor([r.outward for r in references], device=device))

    def every(self, step: int) -> 'SurfaceSamples':
        """Return every so many points of each surface, which then stand for more of it."""
        return replace(self, points=self.points[:, ::step], normals=self.normals[:, ::step],
                       counts=self.counts[:, ::step], area_m2=step * self.area_m2)


def _rows(reference: Reference) -> np.ndarray:
    """Return which points of a reference are drawn: about POINTS, evenly chosen."""
    count = len(reference.points)
    return np.linspace(0, count - 1, min(POINTS, count)).round().astype(np.int64)
