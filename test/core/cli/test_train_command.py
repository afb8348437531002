"""`pointpng train`: from a bag to a model that the estimator takes, in one command."""

import subprocess
import sys

from helpers import bags
from helpers.training import MODEL, VALUES, write_objects
import numpy as np
import pytest
import yaml

from pointpng_core.cli import main as cli
from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.estimator import PoseEstimator
from pointpng_core.io.checkpoints import latest_checkpoint, read_checkpoint
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld
from pointpng_core.training.config import TrainConfig


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'cache'))


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / 'tiny.yaml'
    path.write_text(yaml.safe_dump({**VALUES, 'mae_steps': 1, 'png_steps': 2}))
    return path


def run(capsys, *words):
    code = cli.main(['train', *map(str, words)])
    return code, capsys.readouterr().err


@pytest.fixture
def scene_bag(tmp_path):
    """A bag of a simulated table with objects on it, several clouds long."""
    simulator = DepthSimulator(TabletopWorld(('mug', 'box', 'drill')),
                               camera=DepthCamera(width=320, height=240))
    clouds = [simulator.frame(index, rate_hz=1.0).points for index in range(4)]
    bag, _ = bags.write_bag(tmp_path, 'mcap', count=len(clouds), shape=clouds[0].shape[:2],
                            clouds=[cloud.reshape(-1, 3) for cloud in clouds])
    return bag


def test_one_command_makes_a_model_of_a_bag_that_poses_objects(scene_bag, recipe, tmp_path,
                                                               capsys):
    out = tmp_path / 'run'
    code, err = run(capsys, '--config', recipe, '--data', scene_bag, '--out', out)
    assert code == 0, err
    assert f'model: {out / "model"}' in err
    provenance = read_checkpoint(out / 'model').config['data'][0]
    assert provenance['objects'] >= 4
    assert provenance['single_view']
    estimator = PoseEstimator(model=out)
    mug = make_object('mug')
    reference = estimator.reference_from_model(mug.mesh, name='mug')
    points = mug.mesh.vertices[::7] + np.float32((0.1, 0.0, 0.6))
    estimate = estimator.estimate(points, [reference])[0]
    assert np.isfinite(estimate.T_observation_reference).all()
    assert estimator.estimate_by_embedding(points, reference).shape == (4, 4)


def test_values_may_be_set_one_by_one_and_a_run_goes_on_without_them(recipe, tmp_path, capsys):
    source, out = write_objects(tmp_path), tmp_path / 'run'
    code, _ = run(capsys, '--config', recipe, '--data', f'{source},weight=2', '--out', out,
                  '--set', 'tau=0.5', '--set', 'model.cope=sie')
    assert code == 0
    config = TrainConfig.from_yaml(out / 'config.yaml')
    assert (config.tau, config.model.cope) == (0.5, 'sie')
    assert (config.model.width, config.source_configs()[0].weight) == (MODEL['width'], 2.0)
    code, err = run(capsys, '--out', out, '--resume', '--set', 'png_steps=4')
    assert code == 0
    assert 'resuming after step 3' in err
    assert read_checkpoint(out / 'model').config['step'] == 5
    assert load_model(out).cope.dim == MODEL['dim']


def test_a_run_of_some_minutes_stops_with_a_checkpoint_and_goes_on(recipe, tmp_path, capsys):
    out = tmp_path / 'run'
    words = ('--config', recipe, '--data', write_objects(tmp_path), '--out', out, '--resume')
    code, err = run(capsys, *words, '--minutes', 0)
    assert code == 0
    assert 'stopped after step 1: an unfinished model; continue with --resume' in err
    assert not (out / 'model').exists()
    assert read_checkpoint(latest_checkpoint(out)).config['step'] == 1
    assert TrainConfig.from_yaml(out / 'config.yaml').steps == 3
    code, err = run(capsys, *words, '--minutes', 60)
    assert code == 0
    assert 'resuming after step 1' in err
    assert read_checkpoint(out / 'model').config['step'] == 3


@pytest.mark.parametrize(('words', 'message'), [
    ([], 'nothing to train on: name a bag, a file or a folder with --data'),
    (['--data', 'nowhere.npz'], 'there is no data source nowhere.npz'),
    (['--data', 'BLOBS', '--set', 'tau'], '--set tau: expected NAME=VALUE'),
    (['--data', 'BLOBS', '--set', 'tua=1.0'], "unknown key 'tua'; did you mean 'tau'?"),
    (['--data', 'BLOBS', '--set', 'model.copes=sie'], "did you mean 'copies'?"),
    (['--data', 'BLOBS', '--set', 'tau.low=1'], 'tau'),
    (['--data', 'BLOBS', '--init', 'nowhere'], 'nowhere'),
    (['--data', 'BLOBS', '--device', 'tpu9'], "device 'tpu9' cannot be used here"),
])
def test_mistakes_are_answered_in_one_line(words, message, recipe, tmp_path, capsys):
    blobs = str(write_objects(tmp_path))
    words = [blobs if word == 'BLOBS' else word for word in words]
    code, err = run(capsys, '--config', recipe, '--out', tmp_path / 'run', *words)
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert last.startswith('pointpng: error: ')
    assert message in last


def test_a_topic_that_is_not_there_is_answered_with_those_that_are(scene_bag, recipe, tmp_path,
                                                                   capsys):
    code, err = run(capsys, '--config', recipe, '--data', f'{scene_bag},topic=/nope', '--out',
                    tmp_path / 'run')
    assert code == 2
    assert "no PointCloud2 topic '/nope'; it has: /camera/points (4 clouds)" in err


@pytest.mark.long
def test_a_module_that_torchrun_starts_does_the_same(recipe, tmp_path):
    words = ['--config', str(recipe), '--data', str(write_objects(tmp_path)),
             '--out', str(tmp_path / 'run')]
    done = subprocess.run([sys.executable, '-m', 'pointpng_core.cli.train', *words],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = subprocess.run([sys.executable, '-m', 'pointpng_core.cli.train', *words],
                           capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert again.stderr.startswith('pointpng: error: ')
