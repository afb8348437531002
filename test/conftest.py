"""Marks every test with its room, so that `pytest -m ROOM` runs one room's tests.

Being here, this file also makes `helpers`, what the tests of several rooms share, importable.
"""

from pathlib import Path

TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        folders = item.path.relative_to(TESTS).parts[:-1]
        for folder in folders:
            item.add_marker('house' if folder == 'core' and len(folders) == 1 else folder)
