"""The encoder: a transformer over the patches of a cloud (Point-MAE, Pang et al. 2022)."""

import torch
from torch import Tensor, nn

from pointpng_core.embedding.networks.blocks import Transformer
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.masking import Mask, take
from pointpng_core.embedding.networks.patch_embedding import PatchTokens, position_network
from pointpng_core.embedding.networks.patches import group_patches

INPUT_SCALE = 2.0
"""Clouds come in diameters; the network sees them in about the unit ball."""


class PointTransformer(nn.Module):
    """Tokens of a cloud, all of them or those that a mask lets through."""

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
        """Return tokens (B, G, C), or only those that are seen (B, S, C)."""
        if mask is not None:
            # Hidden patches are never looked at, which is also what masking saves.
            patches, centres = take(patches, mask.seen), take(centres, mask.seen)
        tokens: Tensor = self.transformer(self.tokens(patches), self.positions(centres))
        return tokens


def pooled(tokens: Tensor) -> Tensor:
    """Return [max | mean] (B, 2 C) of tokens (B, G, C)."""
    return torch.cat((tokens.amax(dim=1), tokens.mean(dim=1)), dim=-1)
