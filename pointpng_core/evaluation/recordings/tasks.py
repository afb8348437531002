"""What is handed to workers and comes back: a task, its progress, its summary."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pointpng_core.evaluation.recordings.bag_list import Recording

Progress = Callable[[int, int], None]
"""Is called with the number of clouds that are done, and that of all."""
Summary = dict[str, Any]
"""The last record of a file of results."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A recording to process, and the file to write."""

    recording: Recording
    target: Path
    """File of JSON lines, absolute."""
    parquet: bool = False
    """Whether the same is also written as Parquet, beside it."""


class Worker(Protocol):
    """Processes tasks one by one."""

    def process(self, task: Task, progress: Progress) -> Summary:
        """Write the results of a recording and return their summary; raises nothing."""
        ...


MakeWorker = Callable[[], Worker]
"""Is sent to the process of the worker, and called there; may raise PointPngError."""


class Events(Protocol):
    """Is told what happens to the tasks."""

    def planned(self, tasks: int, kept: int) -> None:
        """So many recordings are to be processed, and so many were finished before."""
        ...

    def started(self, task: Task) -> None:
        """A worker begins a recording."""
        ...

    def progress(self, task: Task, done: int, total: int) -> None:
        """Some of a recording's clouds are done."""
        ...

    def finished(self, task: Task, summary: Summary) -> None:
        """A recording is done, or has failed: the error stands in the summary."""
        ...


class Runner(Protocol):
    """Processes tasks by several workers: processes of this machine, or of a cluster."""

    def __call__(self, tasks: list[Task], make_worker: MakeWorker, *, events: Events) -> None:
        """Process all tasks; raises PointPngError when the workers cannot begin."""
        ...


def failure(error: str) -> Summary:
    """Return the summary of a recording of which nothing is known but an error."""
    return {'frames': 0, 'refused': 0, 'poses': 0, 'damage': '', 'error': error, 'wall_s': 0.0}
