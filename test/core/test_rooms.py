"""The order of the rooms: data flows one way, and so do imports."""

from pathlib import Path

from helpers.rooms import (
    cycles,
    imports_between_parts,
    later_imports,
    later_imports_by_file,
    top_level_names,
)
import pytest

import pointpng_core

CORE = Path(pointpng_core.__file__).parent
FOUNDATION = ('text', 'errors', 'config', 'timing')
ROOMS = (*FOUNDATION, 'geometry', 'io', 'segmentation', 'simulation', 'embedding', 'reference',
         'estimation', 'estimator', 'tracking', 'pipeline', 'training', 'evaluation', 'cli')
"""From the first to the last; `estimator` and `pipeline` are the two files that show the method.
A room imports itself and earlier ones only."""
ESTIMATION_ROOMS = ('observation_kind', 'config', 'types', 'sensor', 'stray', 'observations',
                    'hypotheses', 'fair_selection', 'search', 'registration', 'verification',
                    'uncertainty', 'confidence', 'pixels', 'recognition', 'strategies', 'summary')
"""The same inside `estimation`: from what all parts share to the answer."""
NOT_CODE = {'weights'}
MOST_FOLDERS, MOST_FILES = 13, 6


@pytest.mark.parametrize('room', ROOMS)
def test_no_import_points_to_a_later_room(room):
    assert not later_imports_by_file('pointpng_core', CORE, ROOMS, room)


def test_every_folder_and_file_at_the_top_is_a_room():
    assert top_level_names(CORE) - NOT_CODE == set(ROOMS)


@pytest.mark.parametrize('room', ESTIMATION_ROOMS)
def test_no_import_in_estimation_points_to_a_later_room(room):
    assert not later_imports_by_file('pointpng_core.estimation', CORE / 'estimation',
                                     ESTIMATION_ROOMS, room)


def test_every_folder_and_file_of_estimation_is_a_room():
    assert top_level_names(CORE / 'estimation') == set(ESTIMATION_ROOMS)


def test_there_are_few_rooms():
    folders = [path for path in CORE.iterdir() if path.is_dir() and path.name != '__pycache__']
    assert len(folders) <= MOST_FOLDERS
    assert len(list(CORE.glob('*.py'))) <= MOST_FILES


@pytest.mark.parametrize('room', [room for room in ROOMS if (CORE / room).is_dir()])
def test_the_parts_of_a_room_form_no_import_cycle(room):
    imports = imports_between_parts(f'pointpng_core.{room}', CORE / room)
    assert imports
    assert not cycles(imports)


def test_import_cycles_are_found():
    assert cycles({'a': {'b'}, 'b': {'c'}, 'c': {'a', 'd'}, 'd': set()}) == {frozenset('abc')}
    assert not cycles({'a': {'b', 'c'}, 'b': {'c'}, 'c': set()})


def test_imports_between_the_parts_of_a_room_are_found():
    imports = imports_between_parts('pointpng_core.embedding', CORE / 'embedding')
    assert {'networks', 'shells'} <= imports['encoders']
    assert 'encoders' not in imports['networks']


@pytest.mark.parametrize('source', [
    'from pointpng_core.cli.main import main',
    'import pointpng_core.cli',
    'from pointpng_core import cli',
    'def f():\n    from pointpng_core.pipeline import FramePipeline',
])
def test_an_import_of_a_later_room_is_found(source):
    assert later_imports('pointpng_core', ROOMS, 'estimation', source)
    assert not later_imports('pointpng_core', ROOMS, 'cli', source)


@pytest.mark.parametrize('source', [
    'from pointpng_core.estimation.registration.icp import align',
    'import pointpng_core.estimation.strategies',
    'from pointpng_core.estimation import summary',
])
def test_an_import_of_a_later_room_in_estimation_is_found(source):
    assert later_imports('pointpng_core.estimation', ESTIMATION_ROOMS, 'search', source)
    assert not later_imports('pointpng_core.estimation', ESTIMATION_ROOMS, 'summary', source)
