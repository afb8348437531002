"""Batch normalisation over the batches of all processes, on any backend.

torch.nn.SyncBatchNorm knows no CPU, where the tests of distributed training run.
"""

import torch
from torch import Tensor, nn
import torch.distributed

from pointpng_core.embedding.collectives import distributed, mean_of_all

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
        # In two passes: the mean of squares less the squared mean would lose small variances.
        mean = mean_of_all(rows.float())
        variance = mean_of_all((rows.float() - mean).square())
        self._remember(mean, variance, len(rows) * torch.distributed.get_world_size())
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
