"""Batch normalisation over the batches of all processes, on any backend.

torch.nn.SyncBatchNorm knows no CPU, where the tests of distributed training run.
"""

import torch
from torch import Tensor, nn
import torch.distributed
import torch.distributed.nn.functional

MOMENTUM = 0.1
"""How fast the statistics that are used after training follow those of the batches."""


class GatheredBatchNorm(nn.BatchNorm1d):
    """BatchNorm1d whose statistics are those of the whole batch, whichever process holds it."""

    def __init__(self, features: int) -> None:
        super().__init__(features, momentum=MOMENTUM)

    def forward(self, rows: Tensor) -> Tensor:
        """Return normalised rows (B, F)."""
        if not (self.training and distributed()):
            return super().forward(rows)
        processes = torch.distributed.get_world_size()
        moments = torch.stack((rows.float().mean(dim=0), rows.float().square().mean(dim=0)))
        total: Tensor = torch.distributed.nn.functional.all_reduce(moments)
        mean, square = total / processes
        variance = (square - mean.square()).clamp(min=0.0)
        self._remember(mean, variance, len(rows) * processes)
        normed = (rows - mean) * torch.rsqrt(variance + self.eps)
        return normed * self.weight + self.bias

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        for running, value in ((self.running_mean, mean),
                               (self.running_var, variance * count / max(1, count - 1))):
            assert running is not None
            running.lerp_(value, MOMENTUM)
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)


def distributed() -> bool:
    """Tell whether several processes train together."""
    return (torch.distributed.is_available() and torch.distributed.is_initialized()
            and torch.distributed.get_world_size() > 1)
