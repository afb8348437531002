"""The script for a machine without a network: pack, evaluate and train, bring back; on the CPU."""

from dataclasses import replace
import importlib.util
import json
from pathlib import Path

from helpers.training import tiny_config, write_objects
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.evaluation.speed import training as training_speed
from pointpng_core.training.metrics_log import read_metrics

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'remote_gpu_run.py'
SMALL = ('--pool', '64', '--observations', '2', '--references', '2')


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('remote_gpu_run_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / 'tiny.yaml'
    replace(tiny_config('none.npz'), sources=(), mae_steps=3, png_steps=3).to_yaml(path)
    return path


@pytest.mark.long
def test_packed_evaluated_and_trained_in_two_calls(tool, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(training_speed, 'PEAK_SIZE', {'cpu': 128})
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'cache'))
    archive, out = tmp_path / 'gpu.tar', tmp_path / 'out'
    assert tool.main(['pack', str(archive), f'{write_objects(tmp_path)},weight=2', *SMALL]) == 0
    words = ['run', str(archive), '--out', str(out), '--work', str(tmp_path / 'work'),
             '--recipe', str(recipe), '--device', 'cpu']
    assert tool.main([*words, '--minutes', '0', '--evaluate', '--models', 'training_free',
                      '--calls', '1', '--repeats', '1', '--train-steps', '1']) == 0
    assert json.loads((out / 'device.json').read_text())['failed'] == []
    assert read_metrics(out / 'tiny')[-1]['step'] == 1
    assert tool.main([*words, '--train-only', '--minutes', '60']) == 0
    assert load_model(out / 'tiny').metadata['step'] == 6


@pytest.mark.parametrize('split', ['test', 'all'])
def test_test_splits_do_not_travel(tool, split, tmp_path, capsys):
    assert tool.main(['pack', str(tmp_path / 'a.tar'), f'a.npz,split={split}']) == cli.ERROR_CODE
    assert 'test split' in capsys.readouterr().err


def test_an_archive_above_the_limit_is_refused(tool, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'cache'))
    source = str(write_objects(tmp_path))
    assert tool.main(['pack', str(tmp_path / 'a.tar'), source, *SMALL, '--limit-mib',
                      '0.01']) == cli.ERROR_CODE
    assert 'MiB, more than 0.01' in capsys.readouterr().err
    assert not (tmp_path / 'a.tar').exists()


@pytest.mark.parametrize(('out', 'work'), [
    ('same', 'same'), ('same', 'other/../same'), ('same', 'same/tiny')])
def test_results_never_replace_the_run(tool, recipe, tmp_path, capsys, out, work):
    run_dir = tmp_path / work / 'tiny'
    run_dir.mkdir(parents=True)
    (tmp_path / 'other').mkdir(exist_ok=True)
    kept = run_dir / 'metrics.jsonl'
    kept.write_text('{}')
    code = tool.main(['run', 'none.tar', '--out', str(tmp_path / out), '--work',
                      str(tmp_path / work), '--recipe', str(recipe), '--device', 'cpu'])
    assert code == cli.ERROR_CODE
    assert 'would replace the run' in capsys.readouterr().err
    assert kept.read_text() == '{}'
