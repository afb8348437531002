"""The equivariant read-out Z_l = sum_k W_l(t_k) (x) Y^l(direction_k) with invariant tokens t.

Two kinds of directions are used: from the centroid to the points, in the shells of the
training-free embedding, and from the centre of a patch to its points. Copies are mixed within each
degree only, and gated by invariants, as in steerable networks (arXiv 1802.08219, 1807.02547).

Shapes: M = (L + 1)^2 harmonics, C shells.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, normalize

from pointpng_core.embedding.networks.steerable.invariants import PatchGeometry
from pointpng_core.embedding.shells import HarmonicConfig, shell_weights
from pointpng_core.geometry.so3 import degree_slices, real_harmonics

LOCAL = 6
"""Copies of each degree from directions within patches."""


class SteerableReadout(nn.Module):
    """Weights, sums and mixes harmonics; at initialisation it is the training-free embedding."""

    degree: Tensor
    order: Tensor

    def __init__(self, *, width: int, harmonics: HarmonicConfig) -> None:
        super().__init__()
        self.harmonics = harmonics
        shells, self.degree_max = harmonics.shells, harmonics.degree_max
        degrees = self.degree_max + 1
        self.radial = nn.Linear(width, degrees * shells)
        self.local = nn.Linear(width, degrees * LOCAL)
        self.gate = nn.Linear(width, degrees * shells)
        self.mix = nn.Parameter(torch.cat((torch.eye(shells), torch.zeros(shells, LOCAL)), dim=1
                                          ).repeat(degrees, 1, 1))  # (L + 1, C, C + LOCAL)
        for layer in (self.radial, self.gate):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        columns = degree_slices(self.degree_max)
        degree = torch.arange(degrees).repeat_interleave(2 * torch.arange(degrees) + 1,
                                                        output_size=degrees ** 2)
        order = torch.cat([(torch.arange(shells)[:, None] + shells * torch.arange(
            part.start, part.stop)).flatten() for part in columns])
        self.register_buffer('degree', degree, persistent=False)  # (M,)
        self.register_buffer('order', order, persistent=False)  # (d,) into rows of (M, C)

    def forward(self, clouds: Tensor, diameters: Tensor, geometry: PatchGeometry, tokens: Tensor
                ) -> Tensor:
        """Return unit embeddings (R, B, d) of clouds (B, N, 3) in units of each diameter (R,).

        tokens (B, G, width) belong to the patches of `geometry`.
        """
        radial = self._radial_moments(clouds, diameters, geometry, tokens)  # (R, B, M, C)
        local = self._local_moments(geometry, tokens).expand(len(diameters), -1, -1, -1)
        copies = torch.cat((radial, local), dim=-1)
        mixed = torch.einsum('rbmk,mck->rbmc', copies, self.mix[self.degree])
        gates = 1.0 + self._by_degree(self.gate(tokens.mean(dim=1)))  # (B, L + 1, C)
        gated = mixed * gates[:, self.degree]
        return normalize(gated.flatten(2)[..., self.order], dim=-1)

    def _by_degree(self, weights: Tensor) -> Tensor:
        return weights.unflatten(-1, (self.degree_max + 1, -1))

    def _radial_moments(self, clouds: Tensor, diameters: Tensor, geometry: PatchGeometry,
                        tokens: Tensor) -> Tensor:
        """Return (R, B, M, C): weighted harmonics of the points by shell."""
        radii = clouds.norm(dim=-1)  # (B, N)
        harmonics = real_harmonics(clouds / radii.clamp(min=1e-9)[..., None], self.degree_max)
        shells = shell_weights(radii / diameters[:, None, None], self.harmonics)  # (R, B, C, N)
        weights = 1.0 + self._by_degree(_nearest_patch(clouds, geometry, self.radial(tokens)))
        weighted = weights * shells.transpose(-1, -2)[..., None, :]  # (R, B, N, L + 1, C)
        # One product over all degrees is faster than one for each, though most of it is unused.
        moments = harmonics.transpose(-1, -2) @ weighted.flatten(3) / clouds.shape[1]
        return _own_degree(moments.unflatten(-1, (self.degree_max + 1, -1)), self.degree)

    def _local_moments(self, geometry: PatchGeometry, tokens: Tensor) -> Tensor:
        """Return (B, M, LOCAL): weighted harmonics of the points about their patch centres."""
        with torch.no_grad():
            lengths = geometry.offsets.norm(dim=-1, keepdim=True)
            directions = geometry.offsets / lengths.clamp(min=1e-9)
            # The centre of a patch is one of its points and has no direction.
            moments = (real_harmonics(directions, self.degree_max) * (lengths > 1e-6)).mean(dim=2)
        weights = self.local(tokens) / moments.shape[1]  # (B, G, (L + 1) LOCAL)
        return _own_degree(self._by_degree(moments.transpose(1, 2) @ weights), self.degree)


def _nearest_patch(clouds: Tensor, geometry: PatchGeometry, weights: Tensor) -> Tensor:
    """Return the weights (B, N, W) of every point: those (B, G, W) of its nearest patch."""
    with torch.no_grad():
        centres = geometry.centres * geometry.size[:, None, None]
        nearest = torch.cdist(clouds, centres).argmin(dim=-1)  # (B, N)
        nearest += weights.shape[1] * torch.arange(len(clouds), device=clouds.device)[:, None]
    return embedding(nearest, weights.flatten(0, 1))


def _own_degree(moments: Tensor, degree: Tensor) -> Tensor:
    """Return (..., M, C): for every harmonic its own degree of moments (..., M, L + 1, C)."""
    index = degree[:, None, None].expand(*moments.shape[:-2], 1, moments.shape[-1])
    return moments.gather(-2, index).squeeze(-2)
