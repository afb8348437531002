"""Resource usage of a process from /proc (memory, handles, threads), and its growth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import statistics

from pointpng_core.evaluation.speed.memory import resident_mb

WARM_UP_SHARE = 1 / 3
_PART = 10


@dataclass(frozen=True, kw_only=True)
class ResourceUsage:
    """One sample of a process; memory resident, in MB (10^6 bytes)."""

    memory_mb: float
    handles: int
    threads: int


def resource_usage_of(pid: int) -> ResourceUsage:
    """Return the usage of a running process; raises OSError when it has ended."""
    folder = Path(f'/proc/{pid}')
    return ResourceUsage(memory_mb=resident_mb(pid),
                  handles=len(list((folder / 'fd').iterdir())),
                  threads=len(list((folder / 'task').iterdir())))


def growth(values: Sequence[float]) -> tuple[float, float]:
    """Return medians of the first and the last tenth of evenly spaced samples after the warm-up.

    The warm-up is the first third: memory pools fill, every kind of scene is seen once.
    """
    warm = values[int(len(values) * WARM_UP_SHARE):]
    if not warm:
        return float('nan'), float('nan')
    part = max(1, len(warm) // _PART)
    return statistics.median(warm[:part]), statistics.median(warm[-part:])
