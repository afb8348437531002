"""`pointpng evaluate make-clutter`: from a library or a BOP dataset to scenes, and its errors."""

import json

from helpers.objects import boxes
import numpy as np
import pytest

from pointpng_core.cli.main import main
from pointpng_core.geometry.symmetry import Symmetry
from pointpng_core.io.bop import BopDataset
from pointpng_core.io.object_library import ObjectModel, write_library


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
    assert set(result) == {'seed', 'noise', 'objects', 'frames', 'instances', 'overlap_mm',
                           'scenes'}
    assert set(result['scenes']['2']) == {'kind', 'frames', 'instances', 'visible_fraction',
                                          'overlap_mm', 'dropped'}
    assert result['objects'] == 2
    assert result['overlap_mm'] < 1
    assert (made / 'overview.png').stat().st_size > 1000
    frame, = BopDataset(made).frames()
    assert len(frame.instances) == result['instances']
    assert main([*command, '--bop', str(made), '--out', str(again), *options[:-2]]) == 0
    assert '1 frames, ' in capsys.readouterr().out
    twin, = BopDataset(again).frames()
    np.testing.assert_allclose(twin.instances[0].T_camera_object,
                               frame.instances[0].T_camera_object, atol=1e-3)


@pytest.mark.parametrize(('options', 'message'), [
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
