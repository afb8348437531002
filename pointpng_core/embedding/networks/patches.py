"""A cloud as overlapping patches, their random masking, and their tokens, as in Point-MAE.

Point-MAE: Pang et al., Masked Autoencoders for Point Cloud Self-supervised Learning, arXiv
2203.06604. Shapes: B clouds, N points, G patches of K points each, C width of a token.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pointpng_core.geometry.clouds import farthest_points, knn


@torch.no_grad()
def group_patches(clouds: Tensor, count: int, size: int) -> tuple[Tensor, Tensor]:
    """Return patches (B, G, K, 3) of clouds (B, N, 3) about their centres, and these (B, G, 3).

    Centres are chosen by farthest-point sampling; a patch is the K nearest points of its centre.
    The grouping is equivariant: a rotated cloud gives the same patches, rotated.
    """
    rows = torch.arange(len(clouds), device=clouds.device)[:, None]
    centres = clouds[rows, farthest_points(clouds, count)]  # (B, G, 3)
    _, nearest = knn(centres, clouds, size)  # (B, G, K)
    patches = clouds[rows[..., None], nearest]  # (B, G, K, 3)
    return patches - centres[:, :, None], centres


@dataclass(frozen=True, kw_only=True)
class Mask:
    """The indices of visible and masked tokens among G, in a random order."""

    visible: Tensor
    """(B, S)"""
    masked: Tensor
    """(B, H), S + H = G."""


def random_mask(shape: tuple[int, int], ratio: float, *, generator: torch.Generator | None,
                device: torch.device) -> Mask:
    """Mask round(ratio * G) tokens of each cloud, but leave at least one; `shape` is (B, G)."""
    if not 0.0 <= ratio < 1.0:
        raise ValueError(f'ratio = {ratio}: the share of masked tokens must lie in [0, 1)')
    order = torch.rand(shape, generator=generator, device=device).argsort(dim=1)
    visible = max(1, shape[1] - round(ratio * shape[1]))
    return Mask(visible=order[:, :visible], masked=order[:, visible:])


def take(tokens: Tensor, index: Tensor) -> Tensor:
    """Return the tokens (B, S, ...) at indices (B, S) of (B, G, ...)."""
    rows = torch.arange(len(index), device=index.device)[:, None]
    return tokens[rows, index]


class PatchTokens(nn.Module):
    """Mini-PointNet of Point-MAE (3-128-256, max, 512-512-C at C = 384), without batch statistics.

    Layer normalisation of the token instead keeps the tokens of a cloud independent of the batch.
    """

    def __init__(self, *, width: int) -> None:
        super().__init__()
        inner = 2 * width // 3
        self.local = nn.Sequential(nn.Linear(3, inner // 2), nn.ReLU(),
                                   nn.Linear(inner // 2, inner))
        # One layer on [max | local] in two parts; that of the maximum is computed once per patch.
        self.from_local = nn.Linear(inner, 2 * inner)
        self.from_whole = nn.Linear(inner, 2 * inner, bias=False)
        self.joint = nn.Sequential(nn.ReLU(), nn.Linear(2 * inner, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, patches: Tensor) -> Tensor:
        """Return tokens (B, G, C) of patches (B, G, K, 3)."""
        local = self.local(patches)  # (B, G, K, inner)
        whole = self.from_whole(local.amax(dim=2))  # (B, G, 2 inner)
        joint: Tensor = self.joint(self.from_local(local) + whole[:, :, None])  # (B, G, K, C)
        tokens: Tensor = self.norm(joint.amax(dim=2))
        return tokens


def position_network(width: int) -> nn.Module:
    """Return the network from patch centres (..., 3) to position codes (..., C)."""
    return nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))
