"""One process or many: torchrun starts them, this joins them."""

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
    """One process among those that train together."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all processes have come to this point."""
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
def joined(device: str) -> Iterator[Processes]:
    """Join the processes that torchrun started (NCCL on CUDA, else gloo); alone without it."""
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
        # A wrapped task that outlives the group takes the group's threads with it while it holds
        # the interpreter's lock, which they may be waiting for: the process would never end.
        gc.collect()
        torch.distributed.destroy_process_group()
