"""Tasks on a Ray cluster. Bags, library, model and results are taken to be on shared storage."""

from collections.abc import Sequence
import importlib
import logging
import os
import socket
from typing import Any

from pointpng_core.errors import ConfigError, PointPngError
from pointpng_core.evaluation.recordings.tasks import (
    Events,
    MakeWorker,
    Summary,
    Task,
    Worker,
    failure,
)

ANSWER_S = 5.0


class RemoteWorker:
    """The Ray actor: one worker in a process of some host."""

    def __init__(self, make_worker: MakeWorker) -> None:
        self._make_worker = make_worker
        self._worker: Worker | None = None

    def process(self, task: Task) -> Summary | str:
        """Return the summary, or text that says why no worker can begin here."""
        try:
            self._worker = self._worker or self._make_worker()
        except (PointPngError, ModuleNotFoundError) as error:
            return str(error)
        return self._worker.process(task, lambda done, total: None)


def run_on_ray(tasks: Sequence[Task], make_worker: MakeWorker, *, address: str,
               workers: int | None, gpu: bool, events: Events) -> None:
    """Process all tasks by actors that take one core each, and one GPU each with `gpu`.

    `workers` is the largest number of actors, None for as many as the cluster has cores. An actor
    that dies, with its host for one, fails its recording only. Raises ConfigError for a cluster
    that does not answer, PointPngError when a worker cannot begin.
    """
    import ray
    _connect(address)
    try:
        count = min(len(tasks), workers or _cores())
        actor = ray.remote(num_cpus=1, num_gpus=int(gpu))(RemoteWorker)
        waiting = list(reversed(tasks))
        running: dict[Any, tuple[Any, Task]] = {}

        def begin(host: Any) -> None:
            task = waiting.pop()
            running[host.process.remote(task)] = host, task
            events.started(task)

        for _ in range(count):
            begin(actor.remote(make_worker))
        while running:
            (done, *_), _ = ray.wait(list(running))
            host, task = running.pop(done)
            alive, summary = _result(done)
            events.finished(task, summary)
            if waiting:
                begin(host if alive else actor.remote(make_worker))
    finally:
        ray.shutdown()


def check_cluster(address: str) -> None:
    """Raise ConfigError when nothing listens at HOST:PORT, for which Ray would wait minutes.

    Raises ModuleNotFoundError without Ray.
    """
    importlib.import_module('ray')
    host, _, port = address.rpartition(':')
    if '://' in address or not port.isdigit():
        return  # `auto`, or a form that only Ray understands
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _connect(address: str) -> None:
    import ray
    # The counters of Ray would be sent to its makers.
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR,
                 configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> ConfigError:
    return ConfigError(f'no Ray cluster answers at {address} ({_first_line(error)}); '
                       '`ray start --head` starts one and prints its address')


def _cores() -> int:
    import ray
    return max(1, int(ray.cluster_resources().get('CPU', 1)))


def _result(reference: Any) -> tuple[bool, Summary]:
    """Return whether the actor lives, and the summary of its task."""
    import ray
    try:
        answer = ray.get(reference)
    except ray.exceptions.RayError as error:
        return False, failure(f'its worker on the Ray cluster was lost: {_first_line(error)}')
    if isinstance(answer, str):
        raise PointPngError(answer)
    return True, answer


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()),
                type(error).__name__)
