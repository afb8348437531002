"""The order of the rooms of the ROS package: messages flow one way, and so do imports."""

import ast
from pathlib import Path

import pytest

import pointpng_ros

PACKAGE = Path(pointpng_ros.__file__).parent
ROOMS = ('parameters', 'health', 'messages', 'inputs', 'processing', 'picking', 'nodes', 'demo',
         'endurance', 'examples', 'cli')
"""From the first to the last; `cli` is the file of the command `pointpng`. A room imports itself
and earlier ones only."""
MOST_FILES = 17


def imported_modules(source):
    """Return the modules of this package that a source text imports, even inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == 'pointpng_ros':
            names |= {f'pointpng_ros.{alias.name}' for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return {name for name in names if name.startswith('pointpng_ros.')}


def later_imports(room, source):
    """Return the rooms after `room` that a source text in it imports from."""
    rooms = {name.split('.')[1] for name in imported_modules(source)}
    return {other for other in rooms if ROOMS.index(other) > ROOMS.index(room)}


def sources(room):
    folder = PACKAGE / room
    return sorted(folder.glob('*.py')) if folder.is_dir() else [PACKAGE / f'{room}.py']


@pytest.mark.parametrize('room', ROOMS)
def test_no_import_points_to_a_later_room(room):
    later = {str(path.relative_to(PACKAGE)): later_imports(room, path.read_text(encoding='utf-8'))
             for path in sources(room)}
    assert not {path: rooms for path, rooms in later.items() if rooms}


def test_every_folder_and_file_at_the_top_is_a_room():
    found = {path.stem for path in PACKAGE.iterdir()
             if path.is_dir() or path.suffix == '.py'} - {'__init__', '__pycache__'}
    assert found == set(ROOMS)


def test_rooms_are_flat_and_say_what_they_hold():
    for room in ROOMS[:-1]:
        assert not [path for path in (PACKAGE / room).iterdir()
                    if path.is_dir() and path.name != '__pycache__']
        assert len(sources(room)) <= MOST_FILES
        assert ast.get_docstring(ast.parse((PACKAGE / room / '__init__.py').read_text()))


@pytest.mark.parametrize('source', [
    'from pointpng_ros.cli import main',
    'import pointpng_ros.demo.main',
    'from pointpng_ros import nodes',
    'def f():\n    from pointpng_ros.processing.worker import Worker',
])
def test_an_import_of_a_later_room_is_found(source):
    assert later_imports('health', source)
    assert not later_imports('cli', source)
