"""The benchmark of a device, end to end on the CPU, and that its comparisons can fail."""

from dataclasses import replace
import json
import math

from helpers.evaluation import documented, evaluated
from helpers.training import tiny_config
import numpy as np
import pytest
import torch

from pointpng_core.cli import main as cli
from pointpng_core.errors import FileError
from pointpng_core.evaluation.device import agreement, benchmark
from pointpng_core.evaluation.device.agreement import Agreement
from pointpng_core.evaluation.device.scene_data import (
    make_scene_data,
    read_scene_data,
    write_scene_data,
)
from pointpng_core.evaluation.speed import training as training_speed
from pointpng_core.evaluation.speed.inference import BatchSize
from pointpng_core.evaluation.speed.memory import memory_growth_mb

CPU = torch.device('cpu')
SMALL = ('--models', 'training_free', '--calls', '1', '--repeats', '1', '--train-steps', '1')


@pytest.fixture(autouse=True)
def _small_peak(monkeypatch):
    monkeypatch.setattr(training_speed, 'PEAK_SIZE', {'cpu': 128})


@pytest.fixture(scope='module')
def scene():
    return make_scene_data(BatchSize(observations=2, references=2))


@pytest.fixture
def scene_file(scene, tmp_path):
    write_scene_data(tmp_path / 'scene.npz', scene)
    return tmp_path / 'scene.npz'


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / 'tiny.yaml'
    replace(tiny_config('none.npz'), sources=(), mae_steps=3, png_steps=3).to_yaml(path)
    return path


def test_the_cpu_agrees_with_itself_exactly_and_everything_is_measured(scene_file, recipe,
                                                                       tmp_path, capsys):
    result, table = evaluated(tmp_path, capsys, 'device', 'cpu', *SMALL, '--scene', scene_file,
                              '--recipes', recipe)
    assert (result['device'], result['failed']) == ('cpu', [])
    stages = {row['stage']: row for row in result['agreement']}
    assert {'farthest points', 'neighbours', 'patches', 'training_free: embedding',
            'training_free: COPE', 'training_free: search', 'training_free: refine',
            'training_free: labels', 'training_free: estimate'} <= set(stages)
    # The angle between equal rotations in float32 is not zero; all other stages are exact.
    assert all(row['difference'] < 1e-3 for row in stages.values())
    assert stages['training_free: embedding']['difference'] == 0
    measured = result['inference']['training_free']
    assert measured['single']['poses_per_s'] > 0
    assert 'cpu_single' not in measured
    assert set(result['training']['tiny']['stages']) == {'mae', 'png'}
    assert set(result) | set(measured) | set(result['agreement'][0]) <= documented('device')
    assert 'tiny, png' in table
    assert 'single' in table
    assert 'DIFFERS' not in table


def test_parts_can_be_chosen_and_the_scene_is_written_for_another_machine(tmp_path, capsys):
    words = ('device', 'cpu', *SMALL, '--only', 'inference', '--observations', '2',
             '--references', '2', '--scene', tmp_path / 'new.npz')
    result, _ = evaluated(tmp_path, capsys, *words)
    assert (result['agreement'], result['training']) == ([], {})
    again, _ = evaluated(tmp_path, capsys, *words)
    for part in ('right_label', 'right_pose'):
        assert (again['inference']['training_free']['batch'][part]
                == result['inference']['training_free']['batch'][part])


def test_a_device_that_is_not_there_is_answered_in_one_line(capsys):
    if torch.cuda.is_available():
        pytest.skip('this machine has a GPU')
    assert cli.main(['evaluate', 'device', 'cuda']) == cli.ERROR_CODE
    error = capsys.readouterr().err.strip().splitlines()
    assert error[-1].startswith("pointpng: error: device 'cuda' cannot be used here")


def test_unknown_parts_are_refused(capsys):
    assert cli.main(['evaluate', 'device', 'cpu', '--only', 'speed']) == cli.ERROR_CODE
    assert 'choose from agreement, inference, training' in capsys.readouterr().err


def test_a_large_difference_shows_and_so_does_one_that_is_not_a_number():
    assert Agreement(stage='', difference=1e-3, allowed=1e-3).agrees
    assert not Agreement(stage='', difference=2e-3, allowed=1e-3).agrees
    assert not Agreement(stage='', difference=math.nan, allowed=1.0).agrees


def test_a_device_with_other_samples_fails(scene_file, tmp_path, monkeypatch, capsys):
    real, calls = agreement.farthest_points, []

    def every_second_is_wrong(points, count):
        calls.append(count)
        return real(points, count).flip(1) if len(calls) % 2 == 0 else real(points, count)

    monkeypatch.setattr(agreement, 'farthest_points', every_second_is_wrong)
    monkeypatch.setattr(benchmark, 'compare_estimation', lambda *rest: iter(()))
    assert cli.main(['evaluate', 'device', 'cpu', *SMALL, '--only', 'agreement', '--scene',
                     str(scene_file), '--json', str(tmp_path / 'result.json')]) == 1
    result = json.loads((tmp_path / 'result.json').read_text())
    assert result['failed'] == ['farthest points']
    assert 'DIFFERS' in capsys.readouterr().out


def test_a_scene_comes_back_from_its_file(scene, scene_file, tmp_path):
    back = read_scene_data(scene_file)
    assert back.names == scene.names
    assert np.array_equal(back.surfaces, scene.surfaces)
    for one, other in zip(scene.observations, back.observations):
        assert one.name == other.name
        for key in ('points', 'surface', 'T_observation_object'):
            assert np.array_equal(getattr(one, key), getattr(other, key))
    with pytest.raises(FileError, match='not a readable scene'):
        read_scene_data(tmp_path / 'none.npz')
    with pytest.raises(FileError, match='cannot write'):
        write_scene_data(tmp_path / 'no' / 'scene.npz', scene)


def test_growth_of_memory_shows():
    kept = []

    def leak():
        kept.append(torch.ones(2 ** 24))  # less may fit into what this process has freed
    assert memory_growth_mb(leak, CPU, 3, warm_ups=1) > 150
    assert memory_growth_mb(lambda: torch.ones(2 ** 24), CPU, 3, warm_ups=1) < 40
