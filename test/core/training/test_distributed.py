"""Training in two processes over gloo: the same gradients as in one, and one run folder."""

import os
from pathlib import Path
import socket
import subprocess
import sys

from helpers.training import curve, write_objects
import pytest
import torch

from pointpng_core.embedding.losses import uniformity_loss
from pointpng_core.io.checkpoints import latest_checkpoint, read_checkpoint

TESTS = Path(__file__).parents[2]
PYTHONPATH = f'{TESTS}{os.pathsep}{os.environ.get("PYTHONPATH", "")}'


def run_together(count, *arguments):
    """Run the worker in `count` processes and wait for all of them."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    shared = {**os.environ, 'WORLD_SIZE': str(count), 'MASTER_ADDR': '127.0.0.1',
              'MASTER_PORT': str(port), 'OMP_NUM_THREADS': '1', 'PYTHONPATH': PYTHONPATH}
    processes = [subprocess.Popen([sys.executable, '-m', 'helpers.distributed_worker',
                                   *map(str, arguments)],
                                  env={**shared, 'RANK': str(rank)}, stderr=subprocess.PIPE,
                                  text=True) for rank in range(count)]
    errors = [process.communicate(timeout=240)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * count, '\n'.join(errors)


@pytest.mark.long
def test_two_processes_have_the_gradients_of_one_with_the_whole_batch(tmp_path):
    run_together(1, 'gradients', tmp_path / 'one.pt')
    run_together(2, 'gradients', tmp_path / 'two.pt')
    one, two = (torch.load(tmp_path / name, weights_only=True) for name in ('one.pt', 'two.pt'))
    assert one.keys() == two.keys()
    assert 'encoder.tokens.local.0.weight' in one
    assert 'buffer projector.1.running_var' in one
    # Batch norm subtracts what this bias adds to all clouds: its gradient is rounding error.
    vanishing = {'encoder.transformer.norm.bias'}
    for name in one.keys() - vanishing:
        scale = float(one[name].abs().max())
        assert scale > 0, name
        assert float((one[name] - two[name]).abs().max()) < 5e-4 * scale, name


@pytest.mark.long
def test_two_processes_train_one_model(tmp_path):
    source = write_objects(tmp_path)
    run_together(2, 'train', tmp_path / 'together', source)
    run_together(1, 'train', tmp_path / 'alone', source)
    assert read_checkpoint(tmp_path / 'together' / 'model').config['step'] == 8
    together, alone = curve(tmp_path / 'together'), curve(tmp_path / 'alone')
    assert len(together) == len(alone)
    assert together != alone  # the second process samples its own objects


def test_alone_nothing_is_gathered():
    z = torch.nn.functional.normalize(torch.randn(3, 2, 5), dim=-1)
    assert uniformity_loss(z, z, tau=0.2).item() == pytest.approx(
        uniformity_loss(z.flip(0), z.flip(0), tau=0.2).item(), rel=1e-5)


@pytest.mark.long
def test_two_processes_stop_after_the_same_step_when_the_time_of_one_is_up(tmp_path):
    source = write_objects(tmp_path)
    run_together(2, 'stop', tmp_path / 'run', source)
    assert read_checkpoint(latest_checkpoint(tmp_path / 'run')).config['step'] == 2
    assert not (tmp_path / 'run' / 'model').exists()
