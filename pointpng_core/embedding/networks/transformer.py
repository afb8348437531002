"""The encoder of Point-PNG: a pre-norm transformer over patches (Point-MAE, arXiv 2203.06604)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.patches import (
    Mask,
    PatchTokens,
    group_patches,
    position_network,
    take,
)

INPUT_SCALE = 2.0
"""Factor from diameters, the unit of clouds, to about the unit ball, that of the network."""


class SelfAttention(nn.Module):
    """Multi-head self-attention over tokens (B, T, C)."""

    def __init__(self, *, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the attention output (B, T, C) of every token."""
        parts = self.qkv(tokens).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, heads, C / heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, C / heads)
        attended = scaled_dot_product_attention(query, key, value)
        output: Tensor = self.out(attended.transpose(1, 2).flatten(2))  # (B, T, C)
        return output


class Block(nn.Module):
    """Self-attention and a two-layer MLP, each with pre-norm and a residual connection."""

    def __init__(self, *, width: int, heads: int) -> None:
        super().__init__()
        self.attention_norm, self.network_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(width=width, heads=heads)
        self.network = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(),
                                     nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens (B, T, C)."""
        tokens = tokens + self.attention(self.attention_norm(tokens))
        total: Tensor = tokens + self.network(self.network_norm(tokens))
        return total


class Transformer(nn.Module):
    """Transformer blocks; position codes are added to the tokens before every block."""

    def __init__(self, *, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width=width, heads=heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Return the output tokens (B, T, C) for tokens and position codes (B, T, C)."""
        for block in self.blocks:
            tokens = block(tokens + positions)
        normed: Tensor = self.norm(tokens)
        return normed


class PointTransformer(nn.Module):
    """Transformer over the patches of a cloud, over all of them or over the visible ones."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = PatchTokens(width=config.width)
        self.positions = position_network(config.width)
        self.transformer = Transformer(width=config.width, heads=config.heads, depth=config.depth)

    def group(self, clouds: Tensor) -> tuple[Tensor, Tensor]:
        """Return patches (B, G, K, 3) and centres (B, G, 3) of clouds (B, N, 3), in diameters."""
        return group_patches(clouds * INPUT_SCALE, self.config.patches, self.config.patch_size)

    def forward(self, patches: Tensor, centres: Tensor, mask: Mask | None = None) -> Tensor:
        """Return tokens (B, G, C), or with a mask those of the visible patches (B, S, C)."""
        if mask is not None:
            # Masked patches are not encoded at all, which also saves their time.
            patches, centres = take(patches, mask.visible), take(centres, mask.visible)
        tokens: Tensor = self.transformer(self.tokens(patches), self.positions(centres))
        return tokens


def pooled(tokens: Tensor) -> Tensor:
    """Return [max | mean] (B, 2 C) of tokens (B, G, C)."""
    return torch.cat((tokens.amax(dim=1), tokens.mean(dim=1)), dim=-1)
