"""Milliseconds by stage, measured where the work is done and reported with the result."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class StageClock:
    """Adds up the wall time of named stages: `with clock('search'): ...`; read `stage_ms`."""

    def __init__(self) -> None:
        self.stage_ms: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the block under the name of its stage."""
        start = perf_counter()
        try:
            yield
        finally:
            self.add({stage: (perf_counter() - start) * 1e3})

    def add(self, stage_ms: dict[str, float]) -> None:
        """Add the milliseconds of another clock."""
        for stage, spent_ms in stage_ms.items():
            self.stage_ms[stage] = self.stage_ms.get(stage, 0.0) + spent_ms
