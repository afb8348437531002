"""References side by side in tensors, as search and verification need them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

import torch
from torch import Tensor

from pointpng_core.reference.reference import Reference
from pointpng_core.reference.surface.kd_tree import SAMPLE
from pointpng_core.reference.surface.neighbour_graph import SurfaceGraph
from pointpng_core.reference.surface.voxel_lookup import SurfaceField

Made = TypeVar('Made')


@dataclass(frozen=True, kw_only=True)
class ReferenceStack:
    """R references; views and probes of a reference that has fewer than another are repeated."""

    field: SurfaceField
    surface_points: tuple[int, ...]
    """How many points the surface of each has."""
    diameter: Tensor
    """(R,) metres."""
    spacing: Tensor
    """(R,) metres."""
    probes: Tensor
    """(R, K, 3) relative to the centre of each reference."""
    visible: Tensor
    """(R, V, K)"""
    directions: Tensor
    """(R, V, 3)"""
    outward: Tensor
    """(R,) whether the normals are known to point outwards."""

    @classmethod
    def of(cls, references: Sequence[Reference]) -> 'ReferenceStack':
        """Stack references that live on one device."""
        views = [reference.views for reference in references]
        device = views[0].directions.device
        return cls(
            field=SurfaceField.stack([reference.field for reference in references]),
            surface_points=tuple(len(reference.field.surface) for reference in references),
            diameter=torch.tensor([r.diameter_m for r in references], device=device),
            spacing=torch.tensor([r.spacing_m for r in references], device=device),
            probes=_level([r.probes for r in references]),
            visible=_level([view.visible.T for view in views], 2).transpose(1, 2),
            directions=_level([view.directions for view in views]),
            outward=torch.tensor([r.outward for r in references], device=device))

    @cached_property
    def graph(self) -> SurfaceGraph:
        """Return the walk on the surfaces, for exact registration in a batch."""
        return SurfaceGraph.of(self.field)

    @cached_property
    def sample(self) -> Tensor:
        """Return random points (R, n, 3) of each surface, relative to the reference's centre."""
        generator = torch.Generator().manual_seed(0)
        count = min(SAMPLE, max(self.surface_points))
        parts = self.field.surface[:, :3].split(list(self.surface_points))
        # A smaller surface is repeated, each point about equally often.
        return torch.stack([
            part[torch.randperm(len(part), generator=generator).repeat(
                -(-count // len(part)))[:count].to(part.device)] for part in parts])

    def with_probes(self, count: int | None) -> 'ReferenceStack':
        """Return the references with only their first probes, all of them for None."""
        return replace(self, probes=self.probes[:, :count], visible=self.visible[..., :count])


class ReferenceMemo(Generic[Made]):
    """What was made of the references of the last request, which seldom change."""

    def __init__(self, make: Callable[[Sequence[Reference]], Made]) -> None:
        self._make = make
        self._references: tuple[Reference, ...] = ()
        self._made: Made | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return the references of the last request."""
        return self._references

    def of(self, references: Sequence[Reference]) -> Made:
        """Return what is made of references, anew when they are others than before."""
        if self._made is None or self._references != tuple(references):
            self._references = tuple(references)
            self._made = self._make(self._references)
        return self._made


def _level(parts: list[Tensor], dims: int = 1) -> Tensor:
    """Stack tensors after repeating the last rows (and columns) of shorter ones.

    A repeated view or probe changes no maximum, and shares only slightly.
    """
    for dim in range(dims):
        most = max(part.shape[dim] for part in parts)
        rows = torch.arange(most, device=parts[0].device)
        parts = [part.index_select(dim, rows.clamp(max=part.shape[dim] - 1)) for part in parts]
    return torch.stack(parts)
