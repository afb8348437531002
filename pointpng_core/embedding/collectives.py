"""Sums and gathers over the processes that train together; gradients flow back through both."""

from typing import Any

import torch
from torch import Tensor
import torch.distributed as dist


def distributed() -> bool:
    """Tell whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def mean_of_all(rows: Tensor) -> Tensor:
    """Return the mean row (F,) over the rows (B, F) of all processes, B alike in each."""
    total: Tensor = _Sum.apply(rows.mean(dim=0))
    return total / dist.get_world_size()


def gathered(rows: Tensor) -> tuple[Tensor, int]:
    """Return the rows (B, ...) of all processes, and where those of this one begin."""
    if not distributed():
        return rows, 0
    return _Gather.apply(rows), dist.get_rank() * len(rows)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        total = part.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # Every process's loss depends on every part.
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        ctx.count = len(part)
        parts = [torch.empty_like(part, memory_format=torch.contiguous_format)
                 for _ in range(dist.get_world_size())]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        start = dist.get_rank() * ctx.count
        return total[start:start + ctx.count]
