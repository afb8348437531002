"""Fixtures of the tests that need ROS 2; `test/conftest.py` marks them all `ros`."""

from collections.abc import Iterator

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2 (pip install the extra [ros])')
from harness import Observer, own_domain


@pytest.fixture(scope='session')
def domain() -> Iterator[int]:
    with own_domain() as number:
        yield number


@pytest.fixture
def observer(domain: int) -> Iterator[Observer]:
    observer = Observer()
    yield observer
    observer.close()
