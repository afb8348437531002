"""`pointpng evaluate make-clutter`: from a library or a BOP dataset to scenes, and its errors."""

import json

from helpers.objects import boxes
import numpy as np
import pytest

from pointpng_core.cli.main import main
from pointpng_core.geometry.depth_noise import NUMBERS, DepthNoise
from pointpng_core.geometry.symmetry import Symmetry
from pointpng_core.io.bop import BopDataset
from pointpng_core.io.object_library import ObjectModel, write_library
from pointpng_core.simulation.noise import SensorErrors


@pytest.fixture
def library(tmp_path):
    meshes = {'brick': boxes(((-0.05, -0.04, 0), (0.05, 0.04, 0.03))),
              'post': boxes(((0, 0, 0), (0.03, 0.05, 0.12)))}
    write_library(tmp_path / 'objects', [ObjectModel(name=name, model=mesh, path=None,
                                                     symmetry=Symmetry())
                                         for name, mesh in meshes.items()])
    return tmp_path / 'objects'


def test_a_library_becomes_scenes_and_its_models_scenes_again(library, tmp_path, capsys):
    pytest.importorskip('mujoco', reason='needs MuJoCo (pip install the extra [sim])')
    made, again = tmp_path / 'made', tmp_path / 'again'
    options = ['--kinds', 'pile', '--frames', '1', '--seed', '4', '--json', '-']
    command = ['evaluate', 'make-clutter']
    assert main([*command, '--library', str(library), '--out', str(made), *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result.pop('folder') == str(made)
    assert result == json.loads((made / 'clutter.json').read_text())
    assert set(result) == {'seed', 'noise', 'sensor', 'objects', 'frames', 'instances',
                           'overlap_mm', 'scenes'}
    assert set(result['scenes']['2']) == {'kind', 'frames', 'instances', 'visible_fraction',
                                          'overlap_mm', 'dropped'}
    assert result['objects'] == 2
    assert result['sensor'] == SensorErrors().to_mapping()
    assert result['overlap_mm'] < 1
    assert (made / 'overview.png').stat().st_size > 1000
    frame, = BopDataset(made).frames()
    assert len(frame.instances) == result['instances']
    assert main([*command, '--bop', str(made), '--out', str(again), *options[:-2]]) == 0
    assert '1 frames, ' in capsys.readouterr().out
    twin, = BopDataset(again).frames()
    np.testing.assert_allclose(twin.instances[0].T_camera_object,
                               frame.instances[0].T_camera_object, atol=1e-3)


def test_the_sensor_is_chosen_measured_and_recorded(library, tmp_path):
    """The scenes stay those of the seed; only what is measured of them changes."""
    pytest.importorskip('mujoco', reason='needs MuJoCo (pip install the extra [sim])')
    command = ['evaluate', 'make-clutter', '--library', str(library), '--kinds', 'pile',
               '--frames', '1']
    smooth = ['--noise-m', '0.0025', '--correlation-px', '4']
    frames = {}
    for name, options in {'ideal': ['--noise', '0'], 'smooth': smooth,
                          'stereo': ['--sensor', 'realsense_d4xx', *smooth]}.items():
        assert main([*command, '--out', str(tmp_path / name), *options]) == 0
        frames[name], = BopDataset(tmp_path / name).frames()
    ideal_m, seen_m, stereo_m = (frame.depth_m() for frame in frames.values())
    np.testing.assert_array_equal(frames['smooth'].instances[0].T_camera_object,
                                  frames['ideal'].instances[0].T_camera_object)
    near = (ideal_m > 0) & (seen_m > 0) & (np.abs(seen_m - ideal_m) < 0.01)
    sensor = json.loads((tmp_path / 'smooth' / 'clutter.json').read_text())['sensor']
    noise = DepthNoise.from_mapping({name: sensor[name] for name in ('profile', *NUMBERS)})
    assert noise.sigma_m(0.65) == pytest.approx(0.0025)
    assert (noise.profile, noise.correlation_px) == ('custom', 4.0)
    scaled = (seen_m - ideal_m)[near] / noise.sigma_m(ideal_m[near])
    assert scaled.std() == pytest.approx(1, abs=0.15)
    stereo = json.loads((tmp_path / 'stereo' / 'clutter.json').read_text())['sensor']
    assert stereo['fattened_px'] > sensor['fattened_px'] == 0
    assert not np.array_equal(stereo_m, seen_m)


@pytest.mark.parametrize(('options', 'message'), [
    (['--sensor', 'lidar'], "profile = 'lidar': choose one of kinect, realsense_d4xx"),
    (['--correlation-px', '500'], 'correlation_px = 500.0 px: must lie in [0, 100]'),
    (['--noise-m', '3'], 'axial_m = '),
    (['--kinds', 'heap'], 'choose among spaced, pile, mixed_bin, single_bin, side'),
    ([], 'mixed_bin needs 8 different objects, and the library has 2'),
    (['--seed', '-1'], '--seed -1: must be at least 0'),
    (['--frames', '2000000', '--kinds', 'pile'], '1 and 1000000 frames'),
])
def test_wrong_options_are_answered_before_the_work(library, tmp_path, capsys, options, message):
    pytest.importorskip('mujoco', reason='needs MuJoCo (pip install the extra [sim])')
    assert main(['evaluate', 'make-clutter', '--library', str(library), '--out',
                 str(tmp_path / 'made'), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'made').exists()
