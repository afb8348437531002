"""Transformer blocks, normalised before each part."""

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class SelfAttention(nn.Module):
    """Multi-head self-attention over tokens (B, T, C)."""

    def __init__(self, *, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return what each token gathers from all of them (B, T, C)."""
        parts = self.qkv(tokens).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, heads, C / heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, C / heads)
        gathered = scaled_dot_product_attention(query, key, value)
        mixed: Tensor = self.out(gathered.transpose(1, 2).flatten(2))  # (B, T, C)
        return mixed


class Block(nn.Module):
    """Attention and a two-layer network, each added to its input."""

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
    """Blocks over tokens; their positions are added before every block."""

    def __init__(self, *, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width=width, heads=heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Return tokens (B, T, C) for tokens and position codes (B, T, C)."""
        for block in self.blocks:
            tokens = block(tokens + positions)
        normed: Tensor = self.norm(tokens)
        return normed
