"""Batch normalisation over the batches of all processes, on any backend.

torch.nn.SyncBatchNorm has no CPU implementation, and the tests of distributed training run there.
"""

import torch
from torch import Tensor, nn
import torch.distributed

from pointpng_core.embedding.collectives import all_reduce_mean, is_distributed

MOMENTUM = 0.1
"""Weight of a batch in the running statistics that are used after training."""


class SynchronisedBatchNorm(nn.BatchNorm1d):
    """BatchNorm1d with the statistics of the whole batch, over all processes."""

    def __init__(self, features: int) -> None:
        super().__init__(features, momentum=MOMENTUM)

    def forward(self, rows: Tensor) -> Tensor:
        """Return normalised rows (B, F)."""
        if not (self.training and is_distributed()):
            return super().forward(rows)
        # In two passes: the mean square minus the squared mean would lose small variances.
        mean = all_reduce_mean(rows.float())
        variance = all_reduce_mean((rows.float() - mean).square())
        self._update_running(mean, variance,
                             len(rows) * torch.distributed.get_world_size())
        normed = (rows - mean) * torch.rsqrt(variance + self.eps)
        return normed * self.weight + self.bias

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor, count: int) -> None:
        for running, value in ((self.running_mean, mean),
                               (self.running_var, variance * count / max(1, count - 1))):
            assert running is not None
            running.lerp_(value, MOMENTUM)
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
