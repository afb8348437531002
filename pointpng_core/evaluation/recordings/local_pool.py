"""Tasks in several processes of this machine.

Each process has a pipe of its own to the parent, so that the parent knows which recording a
process died on, and a process notices when the parent is gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection as connections
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
import os
import signal
from time import monotonic
from typing import Any

from pointpng_core.errors import PointPngError
from pointpng_core.evaluation.recordings.tasks import Events, MakeWorker, Task, failure

ONE_THREAD = {name: '1' for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')}
"""The environment of a worker. Libraries read it when they are loaded."""
REPORT_EVERY_S = 0.25
STOP_S = 5.0
UNUSABLE, PROGRESS, FINISHED = 'unusable', 'progress', 'finished'


class ParentGoneError(BaseException):
    """Ends a worker in the middle of a recording; no `except Exception` takes it for a fault."""


def run_local(tasks: Sequence[Task], make_worker: MakeWorker, *, workers: int,
              events: Events) -> None:
    """Process all tasks by at most `workers` processes.

    A process that dies fails its recording only. Raises PointPngError when a worker cannot begin.
    """
    waiting = list(reversed(tasks))
    slots: dict[Connection, _Slot] = {}
    try:
        with _environment(ONE_THREAD):
            while waiting or slots:
                while waiting and len(slots) < workers:
                    slot = _Slot.start(make_worker)
                    slots[slot.pipe] = slot
                    slot.give(waiting.pop(), events)
                for pipe in connections.wait(list(slots)):
                    assert isinstance(pipe, Connection)
                    if not slots[pipe].receive(waiting, events):
                        slots.pop(pipe).stop()
    finally:
        for slot in slots.values():
            slot.stop()


@dataclass
class _Slot:
    """A process, this end of its pipe, and the task that it works on."""

    process: BaseProcess
    pipe: Connection
    task: Task | None = None

    @classmethod
    def start(cls, make_worker: MakeWorker) -> '_Slot':
        # Not forked: a fork of a process in which torch runs threads may hang.
        context = get_context('spawn')
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, make_worker), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours)

    def give(self, task: Task, events: Events) -> None:
        self.task = task
        events.started(task)
        with suppress(BrokenPipeError):  # it has just died: `receive` says so
            self.pipe.send(task)

    def receive(self, waiting: list[Task], events: Events) -> bool:
        """Take one message, and give a next task; returns whether the process goes on."""
        assert self.task is not None
        try:
            kind, content = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            events.finished(self.task, failure(_death(self.process.exitcode)))
            return False
        if kind == UNUSABLE:
            raise PointPngError(content)
        if kind == PROGRESS:
            events.progress(self.task, *content)
            return True
        events.finished(self.task, content)
        if not waiting:
            return False
        self.give(waiting.pop(), events)
        return True

    def stop(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(STOP_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(pipe: Connection, make_worker: MakeWorker) -> None:
    """Process tasks from the pipe until the parent closes it, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends this
    with suppress(EOFError, BrokenPipeError, ConnectionResetError, ParentGoneError):
        try:
            worker = make_worker()
        except (PointPngError, ModuleNotFoundError) as error:
            pipe.send((UNUSABLE, str(error)))
            return
        while True:
            task = pipe.recv()
            pipe.send((FINISHED, worker.process(task, _Throttled(pipe))))


class _Throttled:
    """Sends progress, but for that which follows the last one too soon."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._last_s = pipe, -REPORT_EVERY_S

    def __call__(self, done: int, total: int) -> None:
        now_s = monotonic()
        if now_s - self._last_s >= REPORT_EVERY_S:
            self._last_s = now_s
            try:
                self._pipe.send((PROGRESS, (done, total)))
            except (BrokenPipeError, ConnectionResetError) as error:
                raise ParentGoneError from error


def _death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = '; out of memory? use fewer --workers' if name == 'SIGKILL' else ''
        return f'its process was ended by {name}{hint}'
    return f'its process ended with exit code {exit_code}'


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, which processes started meanwhile inherit."""
    before: dict[str, Any] = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
