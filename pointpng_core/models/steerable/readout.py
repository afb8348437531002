"""From invariant tokens to an embedding that turns: Z_l = sum_k W_l(t_k) (x) Y^l of directions.

Two kinds of directions are read: of points from the centroid, in the shells of the training-free
embedding, and of points from the centre of their patch. Copies are mixed within each degree only.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, normalize

from pointpng_core.embedding.harmonic import HarmonicConfig, shell_weights
from pointpng_core.models.steerable.invariants import PatchGeometry
from pointpng_core.so3 import degree_slices, real_harmonics

LOCAL = 6
"""Copies of each degree that come from directions within patches."""


class SteerableReadout(nn.Module):
    """Weighs, sums and mixes harmonics. As made, it gives the training-free embedding."""

    def __init__(self, *, width: int, harmonics: HarmonicConfig) -> None:
        super().__init__()
        self.harmonics = harmonics
        shells, degree_max = harmonics.shells, harmonics.degree_max
        self.degree_max = degree_max
        degrees = degree_max + 1
        self.radial = nn.Linear(width, degrees * shells)
        self.local = nn.Linear(width, degrees * LOCAL)
        self.gate = nn.Linear(width, degrees * shells)
        self.mix = nn.Parameter(torch.cat((torch.eye(shells), torch.zeros(shells, LOCAL)), dim=1
                                          ).repeat(degrees, 1, 1))  # (L + 1, C, C + LOCAL)
        for layer in (self.radial, self.gate):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, clouds: Tensor, diameters: Tensor, geometry: PatchGeometry, tokens: Tensor
                ) -> Tensor:
        """Return (R, B, d) for clouds (B, N, 3) in units of each of the diameters (R,).

        tokens (B, G, C).
        """
        radii = clouds.norm(dim=-1)  # (B, N)
        harmonics = real_harmonics(clouds / radii.clamp(min=1e-9)[..., None], self.degree_max)
        shells = shell_weights(radii / diameters[:, None, None], self.harmonics)  # (R, B, C, N)
        weights = 1.0 + self._of_points(clouds, geometry, self.radial(tokens))
        near = self._local_moments(geometry, tokens)
        gates = 1.0 + self.gate(tokens.mean(dim=1)).unflatten(-1, (self.degree_max + 1, -1))
        blocks = []
        for degree, columns in enumerate(degree_slices(self.degree_max)):
            weighed = shells * weights[:, degree]  # (R, B, C, N)
            radial = weighed @ harmonics[..., columns] / clouds.shape[1]
            local = near[degree].expand(len(diameters), -1, -1, -1)
            mixed = self.mix[degree] @ torch.cat((radial, local), dim=2)
            blocks.append((gates[:, degree, :, None] * mixed).flatten(2))
        return normalize(torch.cat(blocks, dim=-1), dim=-1)

    def _of_points(self, clouds: Tensor, geometry: PatchGeometry, weights: Tensor) -> Tensor:
        """Return for each point the weights of its nearest patch, (B, L + 1, C, N)."""
        with torch.no_grad():
            centres = geometry.centres * geometry.size[:, None, None]
            nearest = torch.cdist(clouds, centres).argmin(dim=-1)  # (B, N)
            nearest += weights.shape[1] * torch.arange(len(clouds), device=clouds.device)[:, None]
        own = embedding(nearest, weights.flatten(0, 1))  # (B, N, (L + 1) C)
        return own.unflatten(-1, (self.degree_max + 1, -1)).movedim(1, -1)

    def _local_moments(self, geometry: PatchGeometry, tokens: Tensor) -> list[Tensor]:
        """Return per degree (B, LOCAL, 2l + 1): the patches' own harmonics, weighed."""
        with torch.no_grad():
            lengths = geometry.offsets.norm(dim=-1, keepdim=True)
            directions = geometry.offsets / lengths.clamp(min=1e-9)
            # The centre of a patch is one of its points, and has no direction.
            moments = (real_harmonics(directions, self.degree_max) * (lengths > 1e-6)).mean(dim=2)
        weights = self.local(tokens).unflatten(-1, (self.degree_max + 1, -1)) / moments.shape[1]
        return [weights[:, :, degree].transpose(1, 2) @ moments[..., columns]
                for degree, columns in enumerate(degree_slices(self.degree_max))]
