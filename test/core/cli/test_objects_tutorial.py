"""docs/objects.md, command by command: what the page says is what happens."""

import json
import shlex

from helpers.tutorial import commands
import numpy as np
import pytest
import yaml

from pointpng_core.cli import main as cli
from pointpng_core.io.object_library import load_library

pytestmark = pytest.mark.long


@pytest.fixture(scope='module')
def played(tmp_path_factory):
    """The folder after all commands; each must succeed."""
    folder = tmp_path_factory.mktemp('tutorial')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv('POINTPNG_OBJECTS', raising=False)
        patch.setenv('POINTPNG_CACHE', str(folder / 'cache'))
        for command in commands('sh'):
            program, *words = shlex.split(command)
            assert program == 'pointpng'
            assert cli.main(words) == 0, command
    return folder


def test_the_tutorial_sets_up_two_objects(played):
    mug, drill = load_library(played / 'objects')
    assert (mug.name, drill.name) == ('mug', 'drill')
    assert np.ptp(mug.points, axis=0) == pytest.approx([0.117, 0.082, 0.095], abs=0.002)
    assert np.ptp(drill.points[:, 2]) == pytest.approx(0.195, abs=0.015)
    entries = yaml.safe_load((played / 'objects' / 'objects.yaml').read_text())['objects']
    assert [entry['unit'] for entry in entries] == ['mm', 'm']


def test_the_tutorial_ends_with_a_right_pose(played):
    pose = json.loads((played / 'pose.json').read_text())
    assert pose['confidence'] > 0.5
    z_axis = np.array(pose['T_observation_reference'])[:3, 2]
    # The camera is tilted down by 50 degrees towards a standing mug, whose z is up.
    assert z_axis @ [0, -np.cos(np.radians(50)), -np.sin(np.radians(50))] > np.cos(np.radians(3))


def test_the_tutorial_promises_what_the_check_found(played):
    result = json.loads((played / 'check.json').read_text())
    assert set(result['objects']) == {'mug', 'drill'}
    assert all(part['right'] >= 0.75 for part in result['objects'].values())


def test_the_tutorial_pictures_the_mug(played):
    assert (played / 'mug.png').read_bytes().startswith(b'\x89PNG')

