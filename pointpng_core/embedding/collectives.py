"""Differentiable sums and gathers over the processes that train together."""

from typing import Any

import torch
from torch import Tensor
import torch.distributed as dist


def is_distributed() -> bool:
    """Return whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def all_reduce_mean(rows: Tensor) -> Tensor:
    """Return the mean row (F,) of the rows (B, F) of all processes; B is the same in each."""
    total: Tensor = _AllReduceSum.apply(rows.mean(dim=0))
    return total / dist.get_world_size()


def all_gather_rows(rows: Tensor) -> tuple[Tensor, int]:
    """Return the rows (B, ...) of all processes, and the index of this process's first row."""
    if not is_distributed():
        return rows, 0
    return _AllGather.apply(rows), dist.get_rank() * len(rows)


class _AllReduceSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        total = part.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # The loss of every process depends on the part of every process.
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class _AllGather(torch.autograd.Function):
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
