"""Speed of `pointpng frames` over many recordings: without a pool, and by several processes."""

from collections.abc import Callable, Sequence
from functools import partial
import os
from pathlib import Path
import tempfile
from time import monotonic, process_time
from typing import Any

from pointpng_core.evaluation.recordings.bag_list import Recording, find_recordings
from pointpng_core.evaluation.recordings.local_pool import run_local
from pointpng_core.evaluation.recordings.run import process_recordings
from pointpng_core.evaluation.recordings.settings import FrameSettings
from pointpng_core.evaluation.recordings.tasks import Events, MakeWorker, Runner, Summary, Task
from pointpng_core.io.bags.writer import write_bag
from pointpng_core.simulation.sample_files import FRAME, RATE_HZ, TOPIC, write_catalogue
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld

NAMES = ('mug', 'drill', 'box', 'bracket')


def bench_recordings(*, bags: int, clouds: int, workers: Sequence[int],
                     report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Process simulated recordings of a table by each number of processes.

    The recordings are equal, of 640x480 points and four objects. 0 processes are a plain loop in
    this process, without a pool. Returns what `pointpng evaluate frames-speed` documents.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        report(f'writing {bags} recordings of {clouds} clouds')
        recordings = _write_recordings(place / 'bags', bags, clouds)
        write_catalogue(place / 'objects', NAMES)
        settings = FrameSettings(objects=place / 'objects', cache_dir=place / 'cache')
        _run(recordings[:1], place / 'warm', settings, in_this_process)  # fills the cache
        runs = []
        for count in workers:
            report(f'{count} processes')
            runner = partial(run_local, workers=count) if count else in_this_process
            measured = _run(recordings, place / f'out{count}', settings, runner)
            runs.append({'workers': count, **measured})
    first = runs[0]['clouds_per_s']
    return {'cores': len(os.sched_getaffinity(0)), 'bags': bags, 'clouds': bags * clouds,
            'objects': len(NAMES),
            'runs': [{**run, 'ratio': run['clouds_per_s'] / first} for run in runs]}


def in_this_process(tasks: list[Task], make_worker: MakeWorker, *, events: Events) -> None:
    """Process the tasks one by one, without a pool."""
    worker = make_worker()
    for task in tasks:
        events.started(task)
        events.finished(task, worker.process(task, partial(events.progress, task)))


def _write_recordings(folder: Path, bags: int, clouds: int) -> list[Recording]:
    simulator = DepthSimulator(TabletopWorld(NAMES))
    frames = [simulator.frame(index, rate_hz=RATE_HZ).points for index in range(clouds)]
    folder.mkdir()
    for index in range(bags):
        write_bag(folder / f'bag{index}', frames, topic=TOPIC, frame_id=FRAME, rate_hz=RATE_HZ)
    return find_recordings([str(folder)])


def _run(recordings: Sequence[Recording], out: Path, settings: FrameSettings, runner: Runner
         ) -> dict[str, Any]:
    """Return the figures of one run; the first cloud separates its start from the work."""
    watch = _Watch()
    begun_s = monotonic()
    outcomes = process_recordings(recordings, out, settings, run=runner, events=watch)
    end_s, end_cpu_s = monotonic(), process_time()
    work_s, parent_s = end_s - watch.first_s, end_cpu_s - watch.first_cpu_s
    clouds = sum(outcome.summary['frames'] for outcome in outcomes)
    return {'clouds_per_s': clouds / work_s, 'start_s': watch.first_s - begun_s, 'work_s': work_s,
            'parent_share': parent_s / work_s, 'parent_ms': 1e3 * parent_s / clouds}


class _Watch:
    """Notes when the first worker is ready, by the clock and by this process's CPU time."""

    def __init__(self) -> None:
        self.first_s, self.first_cpu_s = 0.0, 0.0

    def planned(self, tasks: int, kept: int) -> None:
        pass

    def started(self, task: Task) -> None:
        pass

    def progress(self, task: Task, done: int, total: int) -> None:
        if not self.first_s:
            self.first_s, self.first_cpu_s = monotonic(), process_time()

    def finished(self, task: Task, summary: Summary) -> None:
        pass
