"""Random masking of tokens: each cloud keeps its own random choice of them."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Mask:
    """Which tokens of G are seen and which are hidden, in a random order."""

    seen: Tensor
    """(B, S) indices."""
    hidden: Tensor
    """(B, H) indices, S + H = G."""


def random_mask(shape: tuple[int, int], ratio: float, *, generator: torch.Generator | None,
                device: torch.device) -> Mask:
    """Hide round(ratio * G) tokens of each cloud, all but one at most; shape is (B, G)."""
    if not 0.0 <= ratio < 1.0:
        raise ValueError(f'ratio = {ratio}: the share of hidden tokens must lie in [0, 1)')
    order = torch.rand(shape, generator=generator, device=device).argsort(dim=1)
    seen = max(1, shape[1] - round(ratio * shape[1]))
    return Mask(seen=order[:, :seen], hidden=order[:, seen:])


def take(tokens: Tensor, index: Tensor) -> Tensor:
    """Return the tokens (B, S, ...) at indices (B, S) of (B, G, ...)."""
    rows = torch.arange(len(index), device=index.device)[:, None]
    return tokens[rows, index]
