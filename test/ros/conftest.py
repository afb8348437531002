"""Fixtures of the tests that need ROS 2; every test here gets the marker `ros`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2 (pip install the extra [ros])')
from harness import Observer, own_domain

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)          # before -m 'not ros' selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.ros)


@pytest.fixture(scope='session')
def domain() -> Iterator[int]:
    with own_domain() as number:
        yield number


@pytest.fixture
def observer(domain: int) -> Iterator[Observer]:
    observer = Observer()
    yield observer
    observer.close()
