"""Transformer over invariant tokens, with attention biased by invariants of pairs of patches."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from pointpng_core.embedding.networks.steerable.invariants import (
    PAIR_FEATURES,
    PATCH_FEATURES,
    POINT_FEATURES,
    PatchGeometry,
)


class InvariantTokens(nn.Module):
    """Mini-PointNet over the invariant features of a patch's points: one token per patch."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        inner = width // 2
        self.local = nn.Sequential(nn.Linear(POINT_FEATURES, inner), nn.GELU(),
                                   nn.Linear(inner, inner))
        self.joint = nn.Sequential(nn.Linear(2 * inner + PATCH_FEATURES, width), nn.GELU(),
                                   nn.Linear(width, width))

    def forward(self, geometry: PatchGeometry) -> Tensor:
        """Return tokens (B, G, C)."""
        local = self.local(geometry.points)  # (B, G, K, inner)
        parts = (local.amax(dim=2), local.mean(dim=2), geometry.patches)
        tokens: Tensor = self.joint(torch.cat(parts, dim=-1))
        return tokens


class RelativeBlock(nn.Module):
    """A transformer block whose attention is biased by relative positions of patches."""

    def __init__(self, *, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.network_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.network = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(),
                                     nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """Return tokens (B, G, C) for tokens (B, G, C) and biases (B, heads, G, G)."""
        parts = self.qkv(self.attention_norm(tokens)).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, G, C / heads)
        attended = scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        tokens = tokens + self.out(attended.transpose(1, 2).flatten(2))
        total: Tensor = tokens + self.network(self.network_norm(tokens))
        return total


class RelativeTransformer(nn.Module):
    """Transformer blocks over invariant tokens; their biases come from invariants of pairs."""

    def __init__(self, *, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.tokens = InvariantTokens(width=width)
        self.bias = nn.Sequential(nn.Linear(PAIR_FEATURES, 24), nn.GELU(),
                                  nn.Linear(24, depth * heads))
        self.blocks = nn.ModuleList(RelativeBlock(width=width, heads=heads)
                                    for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, geometry: PatchGeometry) -> Tensor:
        """Return tokens (B, G, C)."""
        tokens = self.tokens(geometry)
        biases = self.bias(geometry.pairs).movedim(-1, 1).chunk(len(self.blocks), dim=1)
        for block, bias in zip(self.blocks, biases):
            tokens = block(tokens, bias)
        normed: Tensor = self.norm(tokens)
        return normed
