"""Processes that work, die, or lose their parent; with workers that only pretend."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from helpers.pool_workers import Silent, StubWorker, make_tasks, unusable
import pytest

from pointpng_core.errors import PointPngError
from pointpng_core.evaluation.recordings.local_pool import run_local

PARENT = """
import sys
from pathlib import Path
from helpers.pool_workers import Silent, StubWorker, make_tasks
from pointpng_core.evaluation.recordings.local_pool import run_local
if __name__ == '__main__':
    run_local(make_tasks(['wait'], Path(sys.argv[1])), StubWorker, workers=1, events=Silent())
"""


def run(names, *, workers):
    events = Silent()
    run_local(make_tasks(names), StubWorker, workers=workers, events=events)
    return events, dict(events.ended)


def test_every_task_is_done_once_by_as_many_processes_as_asked():
    names = [f'bag{index}' for index in range(7)]
    events, summaries = run(names, workers=2)
    assert events.begun == names
    assert sorted(summaries) == names
    assert len(events.ended) == 7
    assert all(summary['frames'] == 2 for summary in summaries.values())
    pids = {summary['pid'] for summary in summaries.values()}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert ('bag0', 0, 2) in events.seen


def test_workers_have_one_thread_and_the_parent_keeps_its_environment(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    monkeypatch.delenv('OPENBLAS_NUM_THREADS', raising=False)
    _, summaries = run(['bag'], workers=1)
    assert summaries['bag']['threads'] == '1'
    assert os.environ['OMP_NUM_THREADS'] == '3'
    assert 'OPENBLAS_NUM_THREADS' not in os.environ


def test_a_process_that_dies_fails_its_recording_only():
    names = ['bag0', 'die', 'bag1', 'leave', 'bag2']
    _, summaries = run(names, workers=1)
    assert sorted(summaries) == sorted(names)
    assert 'ended by SIGKILL; out of memory?' in summaries['die']['error']
    assert 'exit code 7' in summaries['leave']['error']
    assert [summaries[name]['error'] for name in ('bag0', 'bag1', 'bag2')] == [None] * 3


def test_a_worker_that_cannot_begin_ends_all():
    with pytest.raises(PointPngError, match='the library is another one here'):
        run_local(make_tasks(['bag0', 'bag1']), unusable, workers=2, events=Silent())


def test_no_process_is_left_when_the_parent_fails(tmp_path):
    class Failing(Silent):
        def progress(self, task, done, total):
            if done:
                raise RuntimeError('the screen is gone')

    with pytest.raises(RuntimeError, match='the screen is gone'):
        run_local(make_tasks(['wait'], tmp_path), StubWorker, workers=1, events=Failing())
    assert not alive(int((tmp_path / 'wait').read_text()))


def test_a_process_ends_when_its_parent_was_killed(tmp_path):
    program = tmp_path / 'parent.py'
    program.write_text(PARENT)
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, program, tmp_path], env=environment) as parent:
        wait_until(lambda: (tmp_path / 'wait').is_file() and (tmp_path / 'wait').read_text())
        worker = int((tmp_path / 'wait').read_text())
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(worker))


def alive(pid):
    """Whether a process runs; one that has ended but is not yet reaped does not."""
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


def wait_until(condition, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
