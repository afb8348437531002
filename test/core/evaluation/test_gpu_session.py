"""The session on a CUDA machine, end to end on the CPU, and that its checks can fail."""

from dataclasses import replace
import importlib.util
import json
import math
from pathlib import Path

from helpers.training import MODEL, tiny_config, train, write_objects
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.evaluation.device import agreement, results
from pointpng_core.evaluation.device.agreement import Agreement, checks
from pointpng_core.evaluation.device.measures import growth_mb
from pointpng_core.evaluation.device.packing import pack, packed_sources
from pointpng_core.evaluation.speed import training as training_speed
from pointpng_core.io.checkpoints import read_checkpoint
from pointpng_core.training.batches import ObjectBatch, step_generator
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.metrics_log import read_metrics
from pointpng_core.training.objectives import make_batch
from pointpng_core.training.run_state import RunState
from pointpng_core.training.schedule import stages

CPU = torch.device('cpu')
TOOL = Path(__file__).resolve().parents[3] / 'tools' / 'gpu_session.py'
STEERABLE = {'mae_steps': 0, 'model': {'encoder': 'steerable'},
             'steerable': {'view_points': 32, 'whole_points': 32, 'rotations': 100, 'views': 2}}


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('gpu_session_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def packed(tool, tmp_path_factory):
    """A folder with objects of an npz and a small world."""
    root = tmp_path_factory.mktemp('packed')
    source = write_objects(root)
    assert tool.main(['--pack', f'{source},weight=2', '--data', str(root / 'data'), '--pool', '64',
                      '--observations', '2', '--references', '2']) == 0
    return root / 'data'


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / 'tiny.yaml'
    replace(tiny_config('none.npz'), sources=(), mae_steps=3, png_steps=3).to_yaml(path)
    return path


def test_checked_measured_and_trained_in_two_calls(tool, packed, recipe, tmp_path, monkeypatch,
                                                   capsys):
    monkeypatch.setattr(training_speed, 'PEAK_SIZE', {'cpu': 128})
    out, runs = tmp_path / 'out', tmp_path / 'runs'
    words = ['--data', str(packed), '--out', str(out), '--runs', str(runs), '--device', 'cpu',
             '--recipes', str(recipe), '--models', 'training_free', '--pool', '64', '--calls', '1',
             '--repeats', '1', '--train-steps', '1']
    assert tool.main([*words, '--only', 'check,train', '--minutes', '0']) == 0
    assert read_metrics(runs / 'tiny')[-1]['step'] < 6
    assert 'FAILS' not in capsys.readouterr().out
    checked = json.loads((out / 'check.json').read_text())['stages']
    assert {'patches', 'training_free: COPE', 'training_free: polish',
            'training_free: estimate'} <= {row['stage'] for row in checked}
    assert tool.main([*words, '--only', 'measure,train', '--minutes', '5']) == 0
    assert read_metrics(runs / 'tiny')[-1]['step'] == 6
    measured = json.loads((out / 'measure.json').read_text())
    assert measured['inference']['training_free']['single']['poses_per_s'] > 0
    assert set(measured['training']['tiny']['stages']) == {'mae', 'png'}
    assert len(measured['peers_ms']) == 3
    assert tool.main(['--join', 'tiny', '--out', str(out), '--runs', str(tmp_path / 'here')]) == 0
    assert load_model(tmp_path / 'here' / 'tiny').metadata['step'] == 6


def test_what_is_packed_is_what_was_prepared(packed):
    source, = packed_sources(packed)
    assert source.endswith('.npz,weight=2')
    train(TrainConfig.from_mapping({**tiny_config(source, mae_steps=1, png_steps=0).to_mapping()}),
          packed / 'run')


@pytest.mark.parametrize(('sources', 'told'), [
    (['a.npz,split=test'], 'test split'), (['a.npz,split=all'], 'test split')])
def test_test_splits_do_not_travel(sources, told, tmp_path):
    with pytest.raises(ConfigError, match=told):
        pack(sources, tmp_path / 'data', pool=64, size=None)


def test_folders_that_are_full_or_empty_are_refused(packed, tmp_path):
    with pytest.raises(ConfigError, match='already'):
        pack(['a.npz'], packed, pool=64, size=None)
    with pytest.raises(ConfigError, match='--pack'):
        packed_sources(tmp_path)


def test_a_difference_shows_and_so_does_one_that_is_no_number():
    assert Agreement(stage='', difference=1e-3, allowed=1e-3).holds
    assert not Agreement(stage='', difference=2e-3, allowed=1e-3).holds
    assert not Agreement(stage='', difference=math.nan, allowed=1.0).holds


def test_a_device_that_samples_otherwise_fails(tool, packed, tmp_path, monkeypatch, capsys):
    real, calls = agreement.farthest_points, []

    def every_second_is_wrong(points, count):
        calls.append(count)
        return real(points, count).flip(1) if len(calls) % 2 == 0 else real(points, count)

    monkeypatch.setattr(agreement, 'farthest_points', every_second_is_wrong)
    monkeypatch.setattr(agreement, 'estimation', lambda *rest: iter(()))
    assert tool.main(['--data', str(packed), '--out', str(tmp_path), '--device', 'cpu', '--only',
                      'check', '--models', 'training_free']) == 1
    assert json.loads((tmp_path / 'check.json').read_text())['failed'] == ['farthest points']
    assert 'FAILS' in capsys.readouterr().out


def test_what_a_missing_package_forbids_is_told(monkeypatch, tmp_path):
    def lacks(*rest):
        raise ModuleNotFoundError("No module named 'roma'", name='roma')

    monkeypatch.setattr(agreement, 'geometry', lacks)
    monkeypatch.setattr(agreement, 'embeddings', lacks)
    told = []
    assert checks(CPU, tmp_path / 'none.npz', told.append, ['training_free']) == []
    assert ['roma' in line for line in told] == [True, True, False]
    assert 'not a readable world' in told[2]


def test_memory_that_is_kept_shows():
    kept = []

    def leak():
        kept.append(torch.ones(2 ** 24))  # less may fit into what this process has freed
    assert growth_mb(leak, CPU, 3, warm_ups=1) > 150
    assert growth_mb(lambda: torch.ones(2 ** 24), CPU, 3, warm_ups=1) < 40


@pytest.mark.parametrize('most', [results.WHOLE_BYTES, 0])
def test_runs_come_back_in_parts(most, tmp_path, monkeypatch):
    """Exactly, or as weights in 16 bits where a checkpoint is large."""
    monkeypatch.setattr(results, 'WHOLE_BYTES', most)
    monkeypatch.setattr(results, 'PART_BYTES', 6_000)
    config, run = tiny_config(write_objects(tmp_path)), tmp_path / 'run'
    train(config, run)
    parts = results.bring_back(run, tmp_path / 'out', 'tiny')
    assert len(parts) > 10  # as text, .10 would go before .2
    assert max(part.stat().st_size for part in parts) <= 6_000
    results.join(tmp_path / 'out', 'tiny', tmp_path / 'here')
    before, after = (load_model(folder).encoder.network.state_dict()
                     for folder in (run, tmp_path / 'here'))
    for name, tensor in before.items():
        assert torch.allclose(tensor, after[name], rtol=2 ** -10, atol=1e-6) if most == 0 \
            else torch.equal(tensor, after[name])
    assert not (run / 'brought_back').exists()
    if most == 0:
        began = tiny_config(tmp_path / 'blobs.npz', init=str(tmp_path / 'here' / 'model'))
        train(began, tmp_path / 'further')
        assert read_checkpoint(tmp_path / 'further' / 'model').config['step'] == began.steps


def test_parts_that_are_not_there_or_damaged_are_told(tmp_path):
    with pytest.raises(FileError, match=r'no tiny.tar.0'):
        results.join(tmp_path, 'tiny', tmp_path / 'run')
    (tmp_path / 'tiny.tar.0').write_bytes(b'nothing')
    with pytest.raises(FileError, match='cannot be unpacked'):
        results.join(tmp_path, 'tiny', tmp_path / 'run')


NUMBERS = {'aten._local_scalar_dense.default', 'aten.nonzero.default', 'aten.equal.default',
           'aten.masked_select.default', 'aten.is_nonzero.default'}


class Waits(TorchDispatchMode):
    """Collects the operations for whose numbers a program would have to wait for a GPU."""

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
    objects = ObjectBatch(points=points, normals=torch.nn.functional.normalize(points, dim=-1))
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


def test_the_recipes_of_the_session_are_those_that_ship(packed):
    from pointpng_core.evaluation.device.runs import session_config
    paper = session_config('paper', packed, CPU, pool=64, batch=512)
    assert (paper.batch, paper.pool, paper.model.width) == (512, 1024, 384)
    assert len(paper.source_configs()) == 1
    assert MODEL['points'] < paper.model.points
