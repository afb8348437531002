"""Milliseconds per stage, measured where the work is done and returned with the result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

_wait: ContextVar[Callable[[], None] | None] = ContextVar('wait', default=None)


@contextmanager
def stages_end_with(wait: Callable[[], None]) -> Iterator[None]:
    """Call `wait` at the end of every stage within the block, to synchronise with a GPU.

    A GPU works asynchronously: without synchronisation, its time counts in the stage that first
    needs a result. Synchronising costs time itself, and is meant for profiling.
    """
    token = _wait.set(wait)
    try:
        yield
    finally:
        _wait.reset(token)


class StageTimer:
    """Sums the wall time of named stages: `with timer('search'): ...`; read `stage_ms`."""

    def __init__(self) -> None:
        self.stage_ms: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the block under the name of its stage."""
        start = perf_counter()
        try:
            yield
            if (wait := _wait.get()) is not None:
                wait()
        finally:
            self.add({stage: (perf_counter() - start) * 1e3})

    def add(self, stage_ms: dict[str, float]) -> None:
        """Add the milliseconds of another timer, by stage."""
        for stage, spent_ms in stage_ms.items():
            self.stage_ms[stage] = self.stage_ms.get(stage, 0.0) + spent_ms
