"""Marks every test with its room, so that `pytest -m ROOM` runs one room's tests.

Being here, this file also makes `helpers`, what the tests of several rooms share, importable.
"""

from pathlib import Path

TESTS = Path(__file__).parent
HOUSE = {'test_house.py', 'test_import_purity.py', 'test_rooms.py'}


def pytest_collection_modifyitems(items):
    for item in items:
        for folder in item.path.relative_to(TESTS).parts[:-1]:
            item.add_marker('house' if item.path.name in HOUSE else folder)
        if item.path.parent == TESTS / 'core' and item.path.name not in HOUSE:
            item.add_marker(item.path.stem.removeprefix('test_'))
