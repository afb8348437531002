"""`pointpng evaluate ...` from files to table and JSON, whose keys are documented."""

import json

from helpers.evaluation import documented, evaluated, write_labelled, write_model, write_pairs
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.estimation.recognition.classifier_files import load_classifier
from pointpng_core.evaluation.speed import training as training_speed


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))


@pytest.fixture
def data(tmp_path):
    return write_labelled(tmp_path / 'blobs.npz')


@pytest.mark.parametrize('learned', [False, True])
def test_equivariance(tmp_path, data, capsys, learned):
    model = write_model(tmp_path / 'model') if learned else 'training_free'
    result, table = evaluated(tmp_path, capsys, 'equivariance', '--model', model, '--data', data,
                              '--objects', 6, '--rotations', 2)
    assert set(result) <= documented('equivariance')
    assert (result['model'], result['objects'], result['pairs']) == (model, 6, 12)
    assert result['points'] == (32 if learned else 1024)
    assert -1 <= result['ae'] <= 1
    assert f'{result["pa"]:.3f}' in table
    assert 'blobs' in table
    assert '150 to 180 degrees' in table


def test_the_split_is_test_by_default(tmp_path, data, capsys):
    def pa(*words):
        return evaluated(tmp_path, capsys, 'equivariance', '--data', *words)[0]['pa']
    assert pa(data) == pa(data, '--split', 'test') == pa(f'{data},split=test', '--split', 'train')
    assert pa(data) != pa(data, '--split', 'train')
    assert pa(data, '--split', 'train') == pa(f'{data},split=train')
    assert evaluated(tmp_path, capsys, 'equivariance', '--data', data, '--split',
                     'all')[0]['objects'] == 24


def test_classification(tmp_path, data, capsys):
    result, table = evaluated(
        tmp_path, capsys, 'classification', '--data', data, '--protocol', 'svm', '--protocol',
        'probe', '--rotations', 'SO3/SO3,upright', '--epochs', 3)
    assert set(result) <= documented('classification')
    assert result['svm_accuracy'] == result['protocols']['svm']['SO3/SO3']['accuracy'] > 0.8
    assert set(result['protocols']['probe']['upright']) <= documented('classification')
    assert result['protocols']['probe']['upright']['epochs'] == 3
    assert 'svm, SO3/SO3' in table
    assert '12 training and 12 test objects of 2 classes' in table
    assert set(evaluated(tmp_path, capsys, 'classification', '--data', data)[0]['protocols']) \
        == {'svm'}


def test_a_fine_tuned_model_is_kept(tmp_path, data, capsys):
    result, _ = evaluated(
        tmp_path, capsys, 'classification', '--model', write_model(tmp_path / 'model'), '--data',
        data, '--protocol', 'finetune', '--rotations', 'upright', '--epochs', 2, '--batch', 4,
        '--save', tmp_path / 'kept')
    assert result['finetune_accuracy'] is not None
    assert result['svm_accuracy'] is None
    assert load_classifier(tmp_path / 'kept').labels == ('long', 'round')


def test_pose_with_a_model(tmp_path, capsys):
    write_pairs(tmp_path / 'brackets.npz', count=1, points=512)
    result, table = evaluated(tmp_path, capsys, 'pose', '--pairs', tmp_path / 'brackets.npz',
                              '--model', write_model(tmp_path / 'model', cope='harmonic'),
                              '--search', 'gradient')
    own = ['pointpng', 'embedding', 'embedding, algorithm 1']
    assert list(result['methods']) == [
        *own, *(f'{name} training_free' for name in own), 'bidirectional', 'tracking']
    assert set(result) | set(result['methods']['embedding']) <= documented('pose')
    assert all(f'\n{name} ' in table for name in result['methods'])


@pytest.mark.long
def test_ablation(tmp_path, data, capsys):
    (tmp_path / 'tiny.yaml').write_text(
        'batch: 4\nviews: 2\npool: 64\nmodel: {points: 32, patches: 8, patch_size: 8, width: 24, '
        'depth: 1, heads: 2, decoder_depth: 1, projector: 32, dim: 16}\n')
    out = tmp_path / 'out'
    words = ('ablation', '--data', data, '--out', out, '--betas', '0,.3', '--negatives', '1',
             '--steps', 2, '--mae-steps', 1, '--validation-share', .3, '--model-config',
             tmp_path / 'tiny.yaml')
    result, table = evaluated(tmp_path, capsys, *words)
    assert set(result) | set(result['cells'][0]) <= documented('ablation')
    assert [(cell['beta'], cell['negatives']) for cell in result['cells']] == [
        (0.0, 8), (0.3, 8), (0.3, 1)]
    assert json.loads((out / 'ablation.json').read_text()) == result
    assert (out / 'ablation.md').read_text().strip() == table.strip()
    assert evaluated(tmp_path, capsys, *words)[0] == result


def test_training_speed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(training_speed, 'PEAK_SIZE', {'cpu': 128})
    result, table = evaluated(tmp_path, capsys, 'training', '--steps', 1, '--batch', 2,
                              '--precision', 'float32')
    assert set(result) | set(result['stages']['png']) <= documented('training')
    assert (result['batch'], result['precision']) == (2, 'float32')
    assert 'clouds/s' in table
    assert ' %' in table


def test_json_alone_goes_to_the_standard_output(data, capsys):
    assert cli.main(['evaluate', 'equivariance', '--data', data, '--json', '-']) == 0
    assert json.loads(capsys.readouterr().out)['model'] == 'training_free'
