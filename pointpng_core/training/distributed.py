"""Training in one process, or in several that torchrun started."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import gc
import os

import torch
from torch import nn
import torch.distributed

from pointpng_core.embedding.devices import torch_device


@dataclass(frozen=True, kw_only=True)
class Processes:
    """One process and the number of those that train together."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Return whether this process writes files and reports."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all processes have reached this point."""
        if self.count > 1:
            torch.distributed.barrier()

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any of the processes, which all ask at once."""
        if self.count == 1:
            return flag
        flags = torch.tensor(int(flag), device=self.device)
        torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX)
        return bool(flags)

    def wrap(self, task: nn.Module) -> nn.Module:
        """Return the task with gradients averaged over the processes."""
        if self.count == 1:
            return task
        ids = [self.device] if self.device.type == 'cuda' else None
        return nn.parallel.DistributedDataParallel(task, device_ids=ids)


@contextmanager
def process_group(device: str) -> Iterator[Processes]:
    """Join the processes that torchrun started (NCCL on CUDA, else gloo), if it did."""
    rank, count = int(os.environ.get('RANK', '0')), int(os.environ.get('WORLD_SIZE', '1'))
    chosen = torch_device(device)
    if count == 1:
        yield Processes(rank=0, count=1, device=chosen)
        return
    if chosen.type == 'cuda':
        chosen = torch.device('cuda', int(os.environ.get('LOCAL_RANK', '0')))
        torch.cuda.set_device(chosen)
    torch.distributed.init_process_group('nccl' if chosen.type == 'cuda' else 'gloo')
    try:
        yield Processes(rank=rank, count=count, device=chosen)
        torch.distributed.barrier()
    finally:
        # A wrapped task that outlives the group joins the group's threads while holding the GIL,
        # which they may be waiting for: a deadlock.
        gc.collect()
        torch.distributed.destroy_process_group()
