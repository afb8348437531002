"""The order of the rooms of the ROS package: messages flow one way, and so do imports."""

import ast
from pathlib import Path

from helpers.rooms import (
    later_imports,
    later_imports_by_file,
    sources_of,
    top_level_names,
)
import pytest

import pointpng_ros

PACKAGE = Path(pointpng_ros.__file__).parent
ROOMS = ('parameters', 'health', 'messages', 'inputs', 'processing', 'picking', 'nodes', 'demo',
         'endurance', 'examples', 'cli')
"""From the first to the last; `cli` is the file of the command `pointpng`. A room imports itself
and earlier ones only."""
MOST_FILES = 17


@pytest.mark.parametrize('room', ROOMS)
def test_no_import_points_to_a_later_room(room):
    assert not later_imports_by_file('pointpng_ros', PACKAGE, ROOMS, room)


def test_every_folder_and_file_at_the_top_is_a_room():
    assert top_level_names(PACKAGE) == set(ROOMS)


def test_rooms_are_flat_and_say_what_they_hold():
    for room in ROOMS[:-1]:
        assert not [path for path in (PACKAGE / room).iterdir()
                    if path.is_dir() and path.name != '__pycache__']
        assert len(sources_of(PACKAGE, room)) <= MOST_FILES
        assert ast.get_docstring(ast.parse((PACKAGE / room / '__init__.py').read_text()))


@pytest.mark.parametrize('source', [
    'from pointpng_ros.cli import main',
    'import pointpng_ros.demo.main',
    'from pointpng_ros import nodes',
    'def f():\n    from pointpng_ros.processing.worker import Worker',
])
def test_an_import_of_a_later_room_is_found(source):
    assert later_imports('pointpng_ros', ROOMS, 'health', source)
    assert not later_imports('pointpng_ros', ROOMS, 'cli', source)
