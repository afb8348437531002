"""Real ROS 2 processes for tests: an own domain, started nodes, an observer that waits.

Every wait is for a condition and has a timeout; nothing sleeps to synchronise.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
import fcntl
import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import QoSProfile

REPOSITORY = Path(__file__).resolve().parents[2]
QUICK_DISCOVERY = Path(__file__).with_name('fastdds_quick_discovery.xml')
SHARED_MEMORY = Path('/dev/shm')
START_TIMEOUT_S = 60.0
TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 3.0


def wait_until(condition: Callable[[], Any], *, what: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Return the first true value of `condition`; AssertionError naming `what` after timeout."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'waited {timeout_s} s in vain for {what}')
        time.sleep(0.01)


def wait_repeating(act: Callable[[], Any], condition: Callable[[], Any], *, every_s: float,
                   what: str) -> Any:
    """Act at once and every so often until `condition` is true; returns its value."""
    due_s = time.monotonic()

    def acted() -> Any:
        nonlocal due_s
        if time.monotonic() >= due_s:
            act()
            due_s = time.monotonic() + every_s
        return condition()

    return wait_until(acted, what=what)


@contextmanager
def own_domain() -> Iterator[int]:
    """Reserve a ROS domain for this process, loopback only; yields its number."""
    folder = Path(tempfile.gettempdir())
    for domain in random.sample(range(1, 101), 100):
        lock = (folder / f'pointpng_test_domain_{domain}').open('w')
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        os.environ['ROS_DOMAIN_ID'] = str(domain)
        os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
        os.environ['FASTRTPS_DEFAULT_PROFILES_FILE'] = str(QUICK_DISCOVERY)
        with lock:
            yield domain
        return
    raise AssertionError('all 100 test domains are in use')


def sweep_shared_memory() -> None:
    """Remove the shared memory that killed processes left of Fast DDS: it would add up.

    A living owner of a segment keeps a lock on the file NAME_el, as `fastdds shm clean` knows.
    """
    for lock in SHARED_MEMORY.glob('fastrtps_*_el'):
        with suppress(OSError), lock.open('rb') as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.with_name(lock.name.removesuffix('_el')).unlink(missing_ok=True)
            lock.unlink(missing_ok=True)


class RosProcess:
    """`python ARGUMENTS` with everything it prints kept in `output`; a context manager."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get('PYTHONPATH', '')]))
        defaults = {'PYTHONPATH': path, 'OMP_NUM_THREADS': '1', 'PYTHONUNBUFFERED': '1'}
        self._process = subprocess.Popen(
            [sys.executable, *arguments], cwd=REPOSITORY, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **defaults, **environment})
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> 'RosProcess':
        return self

    def __exit__(self, *_: object) -> None:
        # Politely first: what a killed process leaves in shared memory has crashed Fast DDS in
        # others, among them the tests' own (a lock in a port that is gone).
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        sweep_shared_memory()

    @property
    def output(self) -> str:
        """Everything printed up to now, standard output and error together."""
        return ''.join(self._lines)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def wait_for_output(self, *texts: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until all texts have been printed; fails at once when the process ends before."""
        def printed() -> bool:
            ended = not self.running
            if ended:
                self._reader.join()
            found = all(text in self.output for text in texts)
            assert found or not ended, f'ended without printing {texts}:\n{self.output}'
            return found

        try:
            wait_until(printed, what=f'output {texts}', timeout_s=timeout_s)
        except AssertionError as error:
            raise AssertionError(f'{error}; output:\n{self.output}') from None

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self, *, timeout_s: float = TIMEOUT_S) -> int:
        """Return the exit code once the process has ended."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'still running after {timeout_s} s:\n{self.output}') from None
        self._reader.join()
        return code

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.append(line)


class Observer:
    """A node of the test itself: collects messages, publishes, calls services; spins in a thread.

    Make it inside `own_domain`.
    """

    def __init__(self, name: str = 'observer') -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node(name, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop spinning and leave the domain."""
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()         # leaves the discovery graph; the context alone would not
        self._context.try_shutdown()

    def collect(self, message_type: Any, topic: str, qos: QoSProfile | int = 100) -> list[Any]:
        """Subscribe; returns the list that every message is appended to."""
        messages: list[Any] = []
        self.node.create_subscription(message_type, topic, messages.append, qos)
        return messages

    def wait_for_subscriber(self, publisher: Any, *, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until somebody has matched the publisher."""
        wait_until(publisher.get_subscription_count, timeout_s=timeout_s,
                   what=f'a subscriber of {publisher.topic_name}')

    def wait_for_publisher(self, topic: str, count: int = 1) -> None:
        """Wait until that many publish the topic."""
        wait_until(lambda: self.node.count_publishers(topic) >= count, what=f'{topic} published')

    def call(self, service_type: Any, name: str, request: Any = None) -> Any:
        """Call a service and return its response."""
        client = self.node.create_client(service_type, name)
        wait_until(client.service_is_ready, what=f'service {name}')
        future = client.call_async(request or service_type.Request())
        wait_until(future.done, what=f'answer of {name}')
        self.node.destroy_client(client)
        return future.result()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()
