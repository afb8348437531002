"""A run that is killed again and again ends as one that was left alone."""

import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import time

from helpers.training import curve, write_objects
import pytest
import torch

from pointpng_core.io.checkpoints import latest_checkpoint, read_checkpoint

TESTS = Path(__file__).parents[2]
PYTHONPATH = f'{TESTS}{os.pathsep}{os.environ.get("PYTHONPATH", "")}'
KILLS = 20


def start(run, source):
    return subprocess.Popen(
        [sys.executable, '-m', 'helpers.killed_training', str(run), str(source)],
        env={**os.environ, 'PYTHONPATH': PYTHONPATH}, stderr=subprocess.PIPE, text=True)


def wait_for_progress(run, before, process, timeout_s=60.0):
    """Wait until the run has written something new, or is over."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and process.poll() is None:
        metrics = run / 'metrics.jsonl'
        if metrics.exists() and metrics.stat().st_size != before:
            return
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_at_random_moments_change_nothing(tmp_path):
    source, chance = write_objects(tmp_path), random.Random(0)
    run, kills = tmp_path / 'killed', 0
    while kills < KILLS:
        before = (run / 'metrics.jsonl').stat().st_size if run.exists() and \
            (run / 'metrics.jsonl').exists() else -1
        process = start(run, source)
        wait_for_progress(run, before, process)
        time.sleep(chance.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        errors = process.communicate()[1]
        assert process.returncode == -signal.SIGKILL, f'over after {kills} kills: {errors}'
        kills += 1
        newest = latest_checkpoint(run)
        if newest is not None:
            read_checkpoint(newest)
    process = start(run, source)
    errors = process.communicate(timeout=300)[1]
    assert process.returncode == 0, errors
    alone = start(tmp_path / 'alone', source)
    alone.communicate(timeout=300)
    assert curve(run) == curve(tmp_path / 'alone')
    killed, whole = (read_checkpoint(tmp_path / name / 'model').tensors
                     for name in ('killed', 'alone'))
    assert all(torch.equal(killed[name], whole[name]) for name in whole)
    assert not list(run.glob('**/.part-*'))
