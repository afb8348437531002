"""`pointpng frames` killed in the middle: nothing half-written is taken for finished."""

import os
import signal
import subprocess
import sys
import time

from helpers.recordings import make_settings, without_times, write_recording
import pytest

pytestmark = pytest.mark.long
LONG = 40


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp('killed')
    write_recording(folder / 'bags' / 'a', clouds=1)
    write_recording(folder / 'bags' / 'b', clouds=LONG, seed=1)
    make_settings(folder)
    return folder


def command(place, out):
    """Start the command in a process group of its own; a first run fills the cache."""
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path),
                   'POINTPNG_CACHE': str(place / 'cache')}
    return subprocess.Popen(
        [sys.executable, '-m', 'pointpng_core.cli.main', 'frames', 'bags', '--objects', 'objects',
         '--out', str(out), '--workers', '1'], cwd=place, env=environment,
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)


@pytest.fixture(scope='module')
def expected(place):
    """The results of a run that nothing disturbs."""
    with command(place, place / 'whole') as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert out.startswith(f'2 recordings in {place / "whole"}: {1 + LONG} clouds, 0 refused, ')
    return without_times(place / 'whole')


@pytest.mark.parametrize('whole_group', [True, False], ids=['all processes', 'the parent alone'])
def test_a_killed_run_is_resumed(place, expected, tmp_path, whole_group):
    with command(place, tmp_path) as process:
        wait_until(lambda: (tmp_path / 'a.jsonl').is_file() and half_written(tmp_path))
        kill = os.killpg if whole_group else os.kill
        kill(process.pid, signal.SIGKILL)
    if not whole_group:  # the worker notices at its next cloud, and takes its half file away
        wait_until(lambda: not half_written(tmp_path))
    assert bool(half_written(tmp_path)) == whole_group
    assert [path.name for path in tmp_path.glob('*.jsonl')] == ['a.jsonl']
    finished = identity(tmp_path / 'a.jsonl')

    with command(place, tmp_path) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert '1 recordings to process, 1 were finished before' in err
    assert '(1 finished before)' in out
    assert identity(tmp_path / 'a.jsonl') == finished
    assert without_times(tmp_path) == expected
    assert not half_written(tmp_path)


def identity(path):
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def half_written(folder):
    """Return the unfinished files that hold something."""
    return [path for path in folder.glob('tmp*.part/*.jsonl') if path.stat().st_size]


def wait_until(condition, *, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
