"""A training step reads no number from the device, which would make the program wait for a GPU."""

from helpers.training import tiny_config
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pointpng_core.training.batches import Drawn, step_generator
from pointpng_core.training.objectives import make_batch
from pointpng_core.training.run_state import RunState
from pointpng_core.training.schedule import stages

CPU = torch.device('cpu')
STEERABLE = {'mae_steps': 0, 'model': {'encoder': 'steerable'},
             'steerable': {'view_points': 32, 'whole_points': 32, 'rotations': 100, 'views': 2}}
NUMBERS = {'aten._local_scalar_dense.default', 'aten.nonzero.default', 'aten.equal.default',
           'aten.masked_select.default', 'aten.is_nonzero.default'}


class Waits(TorchDispatchMode):
    """Collects the operations whose results a program would have to wait for on a GPU."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        masked = str(function).startswith('aten.index') and len(args) > 1 and any(
            isinstance(index, torch.Tensor) and index.dtype == torch.bool
            for index in (args[1] if isinstance(args[1], (list, tuple)) else ()))
        if str(function) in NUMBERS or masked:
            self.found.append(str(function))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize('changes', [
    {'model': {'cope': 'harmonic'}, 'mae_steps': 0}, {'png_steps': 0},
    {'augment': {'crop_share': 0.4, 'view_share': 0.4}, 'mae_steps': 0}, STEERABLE],
    ids=['harmonic', 'masked', 'views', 'steerable'])
def test_a_training_step_waits_for_nothing(changes):
    config = tiny_config('none.npz', **changes)
    state = RunState(config, CPU)
    optimiser = state.enter(stages(config)[0])
    points = 0.3 * torch.randn(config.batch, config.pool, 3)
    objects = Drawn(points=points, normals=torch.nn.functional.normalize(points, dim=-1))
    generator = step_generator(0, 1, 0, CPU)
    state.task(make_batch(objects, config, generator), generator, 0.5)  # fills what is kept
    with Waits() as waits:
        loss = state.task(make_batch(objects, config, generator), generator, 0.5)['loss']
        loss.backward()
        torch.nn.utils.clip_grad_norm_(state.task.parameters(), config.clip)
    assert waits.found == []
    optimiser.step()


@pytest.mark.parametrize('wait', [lambda x: x.sum().item(), lambda x: x[x > 0],
                                  lambda x: x.nonzero()])
def test_waiting_would_show(wait):
    with Waits() as waits:
        wait(torch.ones(3))
    assert waits.found
