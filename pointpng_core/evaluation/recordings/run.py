"""Many recordings: what is finished is kept, the rest is done by workers."""

from collections.abc import Sequence
from dataclasses import dataclass
import importlib
from pathlib import Path

from pointpng_core.evaluation.recordings.bag_list import Recording
from pointpng_core.evaluation.recordings.out_folder import complete_parquet, opened, plan
from pointpng_core.evaluation.recordings.settings import FrameModel, FrameSettings
from pointpng_core.evaluation.recordings.tasks import Events, Runner, Summary, Task
from pointpng_core.evaluation.recordings.worker import FrameWorkerMaker


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A recording, its summary, and whether it was finished before."""

    task: Task
    summary: Summary
    kept: bool


def process_recordings(recordings: Sequence[Recording], out: Path, settings: FrameSettings, *,
                       run: Runner, events: Events, overwrite: bool = False,
                       parquet: bool = False) -> list[Outcome]:
    """Write the results of every recording into a folder; returns them in the order of names.

    References are built here once, and cached, before workers load them. Recordings that fail do
    not stop the others: their errors stand in the summaries. Raises PointPngError for a library
    or model that cannot be used, and for a folder with other results.
    """
    if parquet:
        importlib.import_module('pyarrow')  # fails now rather than after hours
    out = out.absolute()
    with opened(out, recordings):
        provenance = FrameModel(settings).provenance
        planned = plan(recordings, out, provenance, overwrite=overwrite, parquet=parquet)
        complete_parquet(planned.kept)
        events.planned(len(planned.tasks), len(planned.kept))
        collected = _Collected(events)
        if planned.tasks:
            maker = FrameWorkerMaker(settings=settings, digest=provenance['digest'])
            run(planned.tasks, maker, events=collected)
    outcomes = [Outcome(task=task, summary=summary, kept=True) for task, summary in planned.kept]
    outcomes += [Outcome(task=task, summary=summary, kept=False)
                 for task, summary in collected.summaries]
    return sorted(outcomes, key=lambda outcome: outcome.task.recording.name)


class _Collected:
    """Passes events on, and keeps the summaries."""

    def __init__(self, events: Events) -> None:
        self.planned, self.started, self.progress = events.planned, events.started, events.progress
        self._finished = events.finished
        self.summaries: list[tuple[Task, Summary]] = []

    def finished(self, task: Task, summary: Summary) -> None:
        self.summaries.append((task, summary))
        self._finished(task, summary)
