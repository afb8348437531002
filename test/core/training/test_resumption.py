"""Runs that are interrupted, damaged or out of disk, and resume."""

import copy
import errno
import json

from helpers.training import (
    STEERABLE,
    RecordingReporter,
    curve,
    tiny_config,
    train,
    weights,
)
import pytest
import torch

from pointpng_core.errors import FileError
from pointpng_core.io.checkpoints import (
    atomic_folder as staging,
)
from pointpng_core.io.checkpoints import (
    latest_checkpoint,
    read_checkpoint,
)
from pointpng_core.training.optimiser import load_optimiser, optimiser_tensors

pytestmark = pytest.mark.long


@pytest.mark.parametrize('changes', [{}, {'ema': 0.9}, {'accumulate': 2, 'png_mask': 0.3},
                                     {'model': {'cope': 'harmonic'}}, STEERABLE])
@pytest.mark.parametrize('stop_at', [2, 3, 6])
def test_a_resumed_run_equals_one_that_was_not_interrupted(source, tmp_path, stop_at,
                                                        changes):
    config = tiny_config(source, **changes)
    train(config, tmp_path / 'whole')
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / 'halves', reporter=RecordingReporter(stop_at))
    train(config, tmp_path / 'halves', resume=True)
    assert curve(tmp_path / 'halves') == curve(tmp_path / 'whole')
    whole, halves = weights(tmp_path / 'whole'), weights(tmp_path / 'halves')
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


@pytest.mark.parametrize('fused', [None, True])
def test_an_optimiser_resumes_exactly_from_its_tensors(fused):
    """Also the one of a GPU, which counts its steps on the device."""
    def stepped(task, optimiser):
        task(torch.ones(1, 3)).square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()

    whole = torch.nn.Linear(3, 2)
    first = torch.optim.AdamW(whole.parameters(), fused=fused)
    stepped(whole, first)
    resumed = copy.deepcopy(whole)
    second = torch.optim.AdamW(resumed.parameters(), fused=fused)
    load_optimiser(second, resumed, {name: value.clone() for name, value
                                     in optimiser_tensors(first, whole).items()})
    stepped(whole, first)
    stepped(resumed, second)
    assert torch.equal(whole.weight, resumed.weight)
    assert torch.equal(whole.bias, resumed.bias)


def test_a_run_ends_at_its_time_limit_and_resumes(source, tmp_path):
    config, run = tiny_config(source), tmp_path / 'run'
    with pytest.raises(KeyboardInterrupt):
        train(config, run, minutes=1e-6)
    assert 0 < read_checkpoint(latest_checkpoint(run)).config['step'] < config.steps
    train(config, run, resume=True)
    train(config, tmp_path / 'whole')
    assert curve(run) == curve(tmp_path / 'whole')


def test_a_full_disk_ends_the_run_with_the_last_checkpoint_intact(source, tmp_path, monkeypatch):
    config, run = tiny_config(source), tmp_path / 'run'
    write = staging._write

    def full(path, content):
        if 'step_00000004' in str(path) and path.name == 'trainer.safetensors':
            raise OSError(errno.ENOSPC, 'No space left on device')
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(staging, '_write', full)
        with pytest.raises(FileError, match=r'step_00000004: No space left'):
            train(config, run)
    assert latest_checkpoint(run).name == 'step_00000003'
    train(config, run, resume=True)
    assert read_checkpoint(run / 'model').config['step'] == 8


def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_used(source, tmp_path):
    config, run = tiny_config(source), tmp_path / 'run'
    with pytest.raises(KeyboardInterrupt):
        train(config, run, reporter=RecordingReporter(stop_at=6))
    newest = latest_checkpoint(run) / 'trainer.safetensors'
    newest.write_bytes(newest.read_bytes()[:-7])
    reporter = RecordingReporter()
    train(config, run, resume=True, reporter=reporter)
    assert any('trainer.safetensors is damaged' in line for line in reporter.lines)
    assert 'resuming after step 4' in reporter.lines
    train(config, tmp_path / 'whole')
    assert curve(run) == curve(tmp_path / 'whole')


def test_metrics_that_were_cut_off_do_no_harm(source, tmp_path):
    config, run = tiny_config(source), tmp_path / 'run'
    with pytest.raises(KeyboardInterrupt):
        train(config, run, reporter=RecordingReporter(stop_at=6))
    path = run / 'metrics.jsonl'
    path.write_text(path.read_text() + json.dumps({'step': 7, 'stage': 'png'})[:11])
    train(config, run, resume=True)
    train(config, tmp_path / 'whole')
    assert curve(run) == curve(tmp_path / 'whole')
