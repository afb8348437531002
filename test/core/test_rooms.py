"""The order of the rooms: data flows one way, and so do imports."""

import ast
from pathlib import Path

import pytest

import pointpng_core

CORE = Path(pointpng_core.__file__).parent
FOUNDATION = ('errors', 'config', 'timing')
ROOMS = (*FOUNDATION, 'geometry', 'io', 'segmentation', 'simulation', 'embedding', 'reference',
         'estimation', 'estimator', 'tracking', 'pipeline', 'training', 'evaluation', 'cli')
"""From the first to the last; `estimator` and `pipeline` are the two files that show the method.
A room imports itself and earlier ones only."""
NOT_CODE = ('weights', '__pycache__')
MOST_FOLDERS, MOST_FILES = 12, 6


def room_of(module):
    """Return the room of a module name `pointpng_core.ROOM...`."""
    return module.split('.')[1]


def imported_rooms(source):
    """Return the rooms that a source text imports from, even inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == 'pointpng_core':
            names |= {f'pointpng_core.{alias.name}' for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return {room_of(name) for name in names
            if name.startswith('pointpng_core.') and room_of(name) in ROOMS}


def later_imports(room, source):
    """Return the rooms after `room` that a source text in it imports from."""
    return {other for other in imported_rooms(source) if ROOMS.index(other) > ROOMS.index(room)}


def sources(room):
    folder = CORE / room
    return sorted(folder.rglob('*.py')) if folder.is_dir() else [CORE / f'{room}.py']


@pytest.mark.parametrize('room', ROOMS)
def test_no_import_points_to_a_later_room(room):
    later = {str(path.relative_to(CORE)): later_imports(room, path.read_text(encoding='utf-8'))
             for path in sources(room)}
    assert not {path: rooms for path, rooms in later.items() if rooms}


def test_every_folder_and_file_at_the_top_is_a_room():
    found = {path.stem for path in CORE.iterdir()
             if path.is_dir() or path.suffix == '.py'} - {'__init__', *NOT_CODE}
    assert found == set(ROOMS)


def test_there_are_few_rooms():
    folders = [path for path in CORE.iterdir() if path.is_dir() and path.name != '__pycache__']
    assert len(folders) <= MOST_FOLDERS
    assert len(list(CORE.glob('*.py'))) <= MOST_FILES


@pytest.mark.parametrize('source', [
    'from pointpng_core.cli.main import main',
    'import pointpng_core.cli',
    'from pointpng_core import cli',
    'def f():\n    from pointpng_core.pipeline import FramePipeline',
])
def test_an_import_of_a_later_room_is_found(source):
    assert later_imports('estimation', source)
    assert not later_imports('cli', source)
