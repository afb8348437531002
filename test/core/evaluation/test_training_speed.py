"""The bench of a training step: its parts, its operations, and what they are compared with."""

from helpers.training import MODEL, tiny_config
import pytest
import torch

from pointpng_core.errors import ConfigError
from pointpng_core.evaluation.speed import training as training_speed
from pointpng_core.evaluation.speed.training import bench_training, peak_gflops, with_overrides
from pointpng_core.training.config import load_recipe


@pytest.fixture(autouse=True)
def _small_peak(monkeypatch):
    monkeypatch.setattr(training_speed, 'PEAK_SIZE', {'cpu': 128})


@pytest.fixture
def config():
    return tiny_config('none.npz')


def test_keys_and_shares(config):
    result = bench_training(config, steps=2)
    assert set(result) == {'device', 'threads', 'precision', 'batch', 'views', 'parameters',
                           'peak_gflops', 'stages'}
    assert set(result['stages']) == {'mae', 'png'}
    for values in result['stages'].values():
        assert set(values['shares']) == {'data', 'grouping', 'network', 'optimiser'}
        assert sum(values['shares'].values()) == pytest.approx(1)
        assert values['clouds_per_s'] == pytest.approx(
            1e3 * config.batch * config.views / values['step_ms'])
        assert values['peak_share'] == pytest.approx(values['gflops'] / result['peak_gflops'])
        assert values['gflops'] == pytest.approx(
            1e3 * values['gflop_per_step'] / values['step_ms'])


def test_operations_are_those_of_the_matrix_products(config):
    """Forward and backward pass take three products for each weight and token, hardly more."""
    bench = training_speed._Bench(config, 'png', torch.device('cpu'))
    clouds, patches = config.batch * config.views, MODEL['patches']
    expected = 0
    for name, weight in bench._model.named_parameters():
        if weight.dim() != 2 or name.startswith('cope'):
            continue
        rows = {'encoder.tokens': patches * MODEL['patch_size'], 'projector': 1}
        each = next((count for part, count in rows.items() if name.startswith(part)), patches)
        expected += 3 * 2 * clouds * each * weight.numel()
    assert expected <= bench._operations() * 1.15
    assert bench._operations() <= 1.6 * expected


def test_twice_the_batch_is_twice_the_operations(config):
    each, twice = (training_speed._Bench(
        with_overrides(config, batch=batch), 'mae', torch.device('cpu'))._operations()
        for batch in (4, 8))
    assert twice == pytest.approx(2 * each, rel=0.02)


def test_the_slower_the_machine_the_lower_the_peak(monkeypatch):
    device = torch.device('cpu')
    real = training_speed._timed

    def slower(function, device):
        result, seconds = real(function, device)
        return result, seconds + 1.0
    monkeypatch.setattr(training_speed, '_timed', slower)
    assert peak_gflops(device, 'float32') < 2 * 128 ** 3 / 1e9


def test_recipes_come_by_name_or_file(tmp_path):
    small, paper = load_recipe('small'), load_recipe('paper')
    assert (paper.model.points, paper.model.width, paper.model.depth) == (1024, 384, 12)
    assert small.model.width < paper.model.width
    small.to_yaml(tmp_path / 'mine.yaml')
    assert load_recipe(str(tmp_path / 'mine.yaml')) == small
    with pytest.raises(ConfigError, match='choose small or paper'):
        load_recipe('large')


def test_only_given_values_stand_in(config):
    assert with_overrides(config, batch=None, device=None) == config
    assert with_overrides(config, batch=7).batch == 7
