"""Checkpoints while everything fails: kills at any moment, full disks, unwritable folders."""

import errno
import itertools
import os
from pathlib import Path
import random
import resource
import signal
import time

from helpers.checkpoints import end_of, fork, snapshot, step_of, write
import pytest
import torch

from pointpng_core.errors import FileError
from pointpng_core.io.checkpoints import (
    atomic_folder as staging,
)
from pointpng_core.io.checkpoints import (
    clean_leftovers,
    latest_checkpoint,
    prune,
    step_folder,
)

KILLS, NOBODY = 10, 65534
CALLS = [(os, 'fsync'), (Path, 'mkdir'), (Path, 'open'), (Path, 'rename')]
"""What writing and pruning ask of the system, and what may be refused."""


@pytest.fixture
def run_dir(tmp_path):
    for step in (1, 2):
        write(step_folder(tmp_path, step), step=step)
    return tmp_path


def break_call(monkeypatch, number, act, calls=CALLS):
    """Let `act` happen before the call of that number of those that change the disk."""
    count = itertools.count(1)

    def broken(original):
        def call(*arguments, **options):
            if next(count) == number:
                act()
            return original(*arguments, **options)
        return call
    for owner, name in calls:
        monkeypatch.setattr(owner, name, broken(getattr(owner, name)))


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def no_space():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def write_for_ever(run_dir):
    tensors = {'a': torch.randn(4000), 'b': torch.randn(50, 50)}
    for step in itertools.count(step_of(latest_checkpoint(run_dir)) + 1):
        write(step_folder(run_dir, step), step=step,
              tensors={**tensors, 'step': torch.tensor(step)})
        prune(run_dir, 2)


def test_kills_at_random_moments_leave_an_intact_newest_checkpoint(run_dir):
    moments = random.Random(0)
    newest = 2
    for _ in range(KILLS):
        pid = fork(lambda: write_for_ever(run_dir))
        deadline = time.monotonic() + 30
        while latest_step_named(run_dir) == newest and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.1))
        os.kill(pid, signal.SIGKILL)
        assert end_of(pid) == -signal.SIGKILL
        assert max(steps_of_all(run_dir)) > newest
        newest = step_of(latest_checkpoint(run_dir))
    clean_leftovers(run_dir)
    assert all(path.name.startswith('step_') for path in (run_dir / 'checkpoints').iterdir())


def latest_step_named(run_dir):
    return max(int(path.name[5:]) for path in (run_dir / 'checkpoints').glob('step_*'))


def steps_of_all(run_dir):
    """The steps of all that has the name of a checkpoint, for all of it must be one."""
    return [step_of(path) for path in (run_dir / 'checkpoints').glob('step_*')]


@pytest.mark.parametrize('step', [3, 2], ids=['new', 'replaced'])
def test_a_kill_before_any_call_leaves_the_old_or_the_new(run_dir, monkeypatch, step):
    """Also where a checkpoint is written again: the one before it is there in any case."""
    def work(number):
        with monkeypatch.context() as patch:
            break_call(patch, number, die, [*CALLS, (os, 'unlink')])
            write(step_folder(run_dir, step), step=step)
            prune(run_dir, 1)

    ends = []
    for number in itertools.count(1):
        ends.append(end_of(fork(lambda number=number: work(number))))
        assert steps_of_all(run_dir)
        if ends[-1] == 0:
            break
        if not step_folder(run_dir, 1).exists():       # pruned: begin again
            assert latest_checkpoint(run_dir) == step_folder(run_dir, step)
            write(step_folder(run_dir, 1), step=1)
        clean_leftovers(run_dir)
    assert set(ends[:-1]) == {-signal.SIGKILL}
    assert len(ends) > 15
    assert step_of(latest_checkpoint(run_dir)) == step


@pytest.mark.parametrize('step', [3, 2], ids=['new', 'replaced'])
def test_a_disk_that_is_full_at_any_call_is_an_error_and_changes_nothing(run_dir, monkeypatch,
                                                                         step):
    before = snapshot(run_dir)
    others = {name: content for name, content in before.items() if f'{step}/' not in name}
    for number in range(1, 30):
        with monkeypatch.context() as patch:
            break_call(patch, number, no_space)
            with pytest.raises(FileError, match=f'step_0000000{step}: No space left on device'):
                write(step_folder(run_dir, step), step=step, config={'step': step, 'new': 1})
        after = snapshot(run_dir)
        if after != before:    # only the names of the folder above could not be brought to disk
            assert step_of(step_folder(run_dir, step)) == step
            assert others.items() < after.items()
            break
    assert 13 < number < 29


def test_a_write_that_the_system_refuses_is_an_error(run_dir):
    """A limit on the size of files simulates a full disk: the write itself fails."""
    before = snapshot(run_dir)

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        with pytest.raises(FileError, match='File too large; earlier checkpoints are untouched'):
            write(step_folder(run_dir, 3), tensors={'a': torch.zeros(100_000)})
    assert end_of(fork(work)) == 0
    assert snapshot(run_dir) == before


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(FileError, match=r'cannot write the checkpoint .*: Not a directory'):
        write(tmp_path / 'file' / 'checkpoints' / 'step_00000001')


def test_a_folder_that_may_not_be_written_is_an_error(run_dir):
    before = snapshot(run_dir)
    (run_dir / 'checkpoints').chmod(0o500)

    def work():
        if os.geteuid() == 0:    # who may write anywhere
            os.seteuid(NOBODY)
        with pytest.raises(FileError, match='Permission denied; earlier checkpoints are unt'):
            write(step_folder(run_dir, 3))
    assert end_of(fork(work)) == 0
    (run_dir / 'checkpoints').chmod(0o700)
    assert snapshot(run_dir) == before


def test_an_old_checkpoint_that_cannot_be_deleted_is_an_error(run_dir, monkeypatch):
    before = snapshot(run_dir)
    break_call(monkeypatch, 1, no_space, [(Path, 'rename')])
    with pytest.raises(FileError, match='cannot delete the old checkpoint'):
        prune(run_dir, 1)
    assert snapshot(run_dir) == before


def test_file_systems_that_cannot_sync_folders_will_do(tmp_path, monkeypatch):
    sync = os.fsync

    def files_only(descriptor):
        if os.path.isdir(f'/proc/self/fd/{descriptor}'):
            raise OSError(errno.EINVAL, 'Invalid argument')
        sync(descriptor)
    monkeypatch.setattr(staging.os, 'fsync', files_only)
    assert step_of(write(tmp_path / 'x')) == 3


def test_an_interrupt_while_writing_leaves_no_leftover(tmp_path, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt
    break_call(monkeypatch, 4, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / 'x')
    assert list(tmp_path.iterdir()) == []
