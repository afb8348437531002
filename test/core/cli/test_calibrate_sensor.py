"""`pointpng calibrate-sensor`: from bags to the options that the other commands take."""

from dataclasses import replace
import json
import os
from pathlib import Path
import re

from helpers.bags import write_bag as write_unorganised
from helpers.depth_bags import write_depth_bag
from helpers.walls import QUIET, wall_clouds
import numpy as np
import pytest
import yaml

from pointpng_core.cli.main import main
from pointpng_core.cli.options import sensor
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.io.bags.writer import write_bag

DATA = Path(os.environ.get('POINTPNG_DATA', Path(__file__).parents[4] / 'shared' / 'data'))
NUMBERS = {'axial_m': 0.0015, 'axial_growth': 0.005, 'correlation_px': 6.0}


def wall_bag(path, depths_m, **options):
    errors = replace(QUIET, **NUMBERS)
    write_bag(path, (cloud.points.reshape(*cloud.image_shape, 3)
                     for cloud in wall_clouds(errors, depths_m, **options)),
              topic='/wall', frame_id='lens', rate_hz=5)
    return path


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return wall_bag(tmp_path_factory.mktemp('walls') / 'moving', np.linspace(0.5, 1.5, 8))


def test_what_is_printed_is_what_the_other_commands_and_the_node_take(bag, capsys):
    assert main(['calibrate-sensor', str(bag)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ''
    assert '8 of 8 clouds show a flat wall or table' in captured.out
    noise = sensor(re.search(r'--sensor (\S+)', captured.out).group(1))
    assert noise.profile == 'custom'
    assert noise.sigma_m(1.0) == pytest.approx(0.0015 + 0.005 * 0.36, rel=0.06)
    assert noise.correlation_px == pytest.approx(6, rel=0.15)
    lines = yaml.safe_load(captured.out[captured.out.index('    estimator.'):])
    prefix = 'estimator.depth_noise.'
    values = {name.removeprefix(prefix): value for name, value in lines.items()}
    assert DepthNoise.from_mapping(values) == noise
    assert all(isinstance(value, (float, str)) for value in values.values())


def test_json_holds_the_numbers(bag, tmp_path, capsys):
    assert main(['calibrate-sensor', str(bag), '--json', '-', '--frames', '5']) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {'bags', 'profile', 'clouds', 'walls', 'incidence_deg', 'by_depth',
                           'correlation', 'noise', 'growth_measured', 'lateral_px', 'edges',
                           'steps', 'damage', 'refused'}
    assert result['clouds'] == 5
    assert result['correlation']['4'] == pytest.approx(np.exp(-4 / 6), abs=0.08)
    depths_m = [row['depth_m'] for row in result['by_depth']]
    assert depths_m == sorted(depths_m)
    assert (result['edges'], result['steps'], result['refused']) == (None, None, None)


def test_several_bags_of_one_camera_are_one_calibration(tmp_path, capsys):
    for depth_m in (0.6, 1.4):
        wall_bag(tmp_path / f'at_{depth_m}', [depth_m], seed=1)
    assert main(['calibrate-sensor', str(tmp_path), '--json', '-']) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result['bags']) == result['clouds'] == 2
    assert result['growth_measured']


def test_one_distance_keeps_the_growth_of_a_profile_and_says_so(tmp_path, capsys):
    wall_bag(tmp_path / 'near', [0.7], tilt_deg=1.0)
    assert main(['calibrate-sensor', str(tmp_path), '--profile', 'tof']) == 0
    assert ('how noise grows with depth is not measured, but that of tof.'
            in capsys.readouterr().out)


def test_a_wall_that_is_tilted_far_is_warned_about(tmp_path, capsys):
    wall_bag(tmp_path / 'tilted', [0.9], tilt_deg=55.0)
    assert main(['calibrate-sensor', str(tmp_path)]) == 0
    assert 'warning: all walls are tilted by about 5' in capsys.readouterr().err


def test_a_wall_that_is_not_flat_is_warned_about(tmp_path, capsys):
    """The far half is corrugated, by more than the camera errs."""
    clouds = [cloud.points.reshape(*cloud.image_shape, 3)
              for cloud in wall_clouds(QUIET, [0.9, 1.0], tilt_deg=25.0)]
    for points in clouds:
        far = points[..., 2] > np.nanmedian(points[..., 2])
        points[far] *= (1 + 0.008 * np.sign(np.sin(points[far][:, :1] * 60)))
    write_bag(tmp_path / 'corrugated', clouds, topic='/wall', frame_id='lens', rate_hz=5)
    assert main(['calibrate-sensor', str(tmp_path)]) == 0
    assert 'times those of the model: is the wall flat' in capsys.readouterr().err


def test_what_cannot_be_used_is_said(tmp_path, capsys):
    cloudy, _ = write_unorganised(tmp_path, 'mcap')
    assert main(['calibrate-sensor', str(cloudy)]) == 2
    assert 'is not organised' in capsys.readouterr().err
    tiny = write_depth_bag(tmp_path, count=3)
    assert main(['calibrate-sensor', str(tiny)]) == 2
    assert 'none of the 3 clouds shows a plane' in capsys.readouterr().err
    assert main(['calibrate-sensor', str(tmp_path / 'gone')]) == 2
    assert 'gone' in capsys.readouterr().err


@pytest.mark.data
def test_a_real_kinect_has_the_steps_of_a_kinect(capsys):
    """Steps of 1/8 px at 575 px x 75 mm are 0.0029 1/m; 1.9 mm at 1 m were published."""
    bag = DATA / 'tabletop_kinect'
    if not bag.is_dir():
        pytest.skip(f'no {bag}: set POINTPNG_DATA to the folder of the shared data sets')
    assert main(['calibrate-sensor', str(bag), '--json', '-', '--frames', '8']) == 0
    result = json.loads(capsys.readouterr().out)
    assert result['walls'] == result['clouds'] == 8
    assert result['steps']['quantum_per_m'] == pytest.approx(0.00285, rel=0.03)
    at_1_m = DepthNoise(profile='custom', **result['noise']).sigma_m(1.0)
    assert 0.0014 < at_1_m < 0.004


@pytest.mark.parametrize('command', [
    ['estimate', 'a.stl', 'b.ply'], ['frames', 'a.mcap', '--objects', 'x'],
    ['evaluate', 'bop', 'x']])
def test_a_sensor_that_contradicts_itself_is_refused_by_every_command(command, capsys):
    with pytest.raises(SystemExit):
        main([*command, '--sensor', 'tof,axial_m=0.01'])
    assert "contradicts profile = 'tof'" in capsys.readouterr().err


def test_a_sensor_of_the_command_and_another_of_the_file_contradict_each_other(tmp_path, capsys):
    mesh = tmp_path / 'cloud.xyz'
    points = np.random.default_rng(0).uniform([-0.05, -0.05, 0.55], [0.05, 0.05, 0.65], (300, 3))
    np.savetxt(mesh, points)
    config = tmp_path / 'config.yaml'
    config.write_text('depth_noise: {profile: tof}\n')
    command = ['estimate', str(mesh), str(mesh), '--config', str(config)]
    assert main([*command, '--sensor', 'realsense_d4xx']) == 2
    assert 'contradict each other' in capsys.readouterr().err
    assert EstimatorConfig.from_yaml(config).depth_noise == sensor('tof')
    assert main([*command, '--sensor', 'tof']) == 0
