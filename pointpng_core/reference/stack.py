"""References side by side in tensors, as search and verification need them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pointpng_core.reference.reference import Reference
from pointpng_core.registration.field import SurfaceField


@dataclass(frozen=True, kw_only=True)
class ReferenceStack:
    """R references; the views and probes that one has less than another count as hidden."""

    field: SurfaceField
    diameter: Tensor
    """(R,) metres."""
    spacing: Tensor
    """(R,) metres."""
    probes: Tensor
    """(R, K, 3) about the reference's centre."""
    visible: Tensor
    """(R, V, K)"""
    directions: Tensor
    """(R, V, 3)"""

    @classmethod
    def of(cls, references: Sequence[Reference]) -> 'ReferenceStack':
        """Stack references that live on one device."""
        views = [reference.views for reference in references]
        device = views[0].directions.device
        most = max(len(reference.probes) for reference in references)
        visible = [torch.nn.functional.pad(view.visible, (0, most - view.visible.shape[1]))
                   for view in views]
        return cls(
            field=SurfaceField.stack([reference.field for reference in references]),
            diameter=torch.tensor([r.diameter_m for r in references], device=device),
            spacing=torch.tensor([r.spacing_m for r in references], device=device),
            probes=pad_sequence([r.probes for r in references], batch_first=True),
            visible=pad_sequence(visible, batch_first=True),
            directions=pad_sequence([view.directions for view in views], batch_first=True))

    def with_probes(self, count: int | None) -> 'ReferenceStack':
        """Return the references with only their first probes, all of them for None."""
        return replace(self, probes=self.probes[:, :count], visible=self.visible[..., :count])
