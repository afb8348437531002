"""The memory that a process or a GPU uses: now, at most, and its growth over calls."""

from collections.abc import Callable
import os
from pathlib import Path
import resource
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def resident_mb(pid: int | str = 'self') -> float:
    """Return the resident memory of a process in MB (10^6 bytes).

    Raises OSError when it is gone, or where there is no /proc.
    """
    pages = int(Path(f'/proc/{pid}/statm').read_text(encoding='ascii').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def reset_peak_memory(device: 'torch.device') -> None:
    """Let the peak of a GPU begin anew; that of a process cannot be reset."""
    if device.type == 'cuda':
        import torch  # heavy, and `resident_mb` does without
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: 'torch.device') -> float:
    """Return the peak memory of tensors on a GPU, or of the whole process, in 2^20 bytes.

    The latter counts everything since the process began.
    """
    if device.type == 'cuda':
        import torch
        return torch.cuda.max_memory_allocated(device) / 2 ** 20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2 ** 20 if sys.platform == 'darwin' else 2 ** 10)


def memory_growth_mb(call: Callable[[], Any], device: 'torch.device', calls: int,
                     warm_ups: int = 10) -> float:
    """Return by how many MB (10^6 bytes) the memory in use grows over calls, after warm-ups."""
    for _ in range(warm_ups):
        call()
    before = _used_mb(device)
    for _ in range(calls):
        call()
    return _used_mb(device) - before


def _used_mb(device: 'torch.device') -> float:
    if device.type == 'cuda':
        import torch
        torch.cuda.synchronize(device)
        return torch.cuda.memory_allocated(device) / 1e6
    return resident_mb()
