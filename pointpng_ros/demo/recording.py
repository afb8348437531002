"""A demo run: the recorder in this process, the others beside it, until the time is up."""

from collections.abc import Callable, Iterator, Mapping
import contextlib
import os
import random
import signal
import time
from types import FrameType

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from pointpng_ros.demo.frame_log import FrameRecord
from pointpng_ros.demo.processes import ChildError, Children
from pointpng_ros.demo.recorder import Recorder
from pointpng_ros.demo.settings import DemoConfig
from pointpng_ros.health.optional_packages import share_directory

GRACE_S = 0.4
_POLL_S = 0.1
_LAST_SAFE_DOMAIN = 101


@contextlib.contextmanager
def own_environment(domain_id: int | None) -> Iterator[Mapping[str, str]]:
    """Give this process a ROS domain of its own for a while; yields its children's environment.

    No other machine can reach it, and its shared memory is large enough for clouds.
    """
    domain = random.randint(1, _LAST_SAFE_DOMAIN) if domain_id is None else domain_id
    own = {'ROS_DOMAIN_ID': str(domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
           'FASTRTPS_DEFAULT_PROFILES_FILE': str(share_directory() / 'config'
                                                 / 'fastdds_loopback.xml')}
    former = {name: os.environ.pop(name, None) for name in own}
    os.environ.update(own)
    try:
        yield dict(os.environ)
    finally:
        for name, value in former.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class Session:
    """Spins the recorder and calls back with each processed frame."""

    def __init__(self, recorder: Recorder, children: Children, config: DemoConfig) -> None:
        self.recorder = recorder
        self._children, self._config = children, config
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(recorder)

    def stream(self, on_frame: Callable[[FrameRecord], None]) -> list[FrameRecord]:
        """Run until the time is up or a process has ended; returns the processed frames.

        `on_frame` gets each complete frame once. Raises ChildError when a process
        fails or no frame comes for too long.
        """
        begun_s = time.monotonic()
        shown = 0
        while self._children.running():
            self.spin(_POLL_S)
            now_s = time.monotonic()
            complete = self.recorder.log.processed(before_s=now_s - GRACE_S)
            for record in complete[shown:]:
                on_frame(record)
            shown = len(complete)
            if complete and now_s - GRACE_S - _first_s(complete) > self._config.seconds:
                break
            self._check_silence(complete, begun_s, now_s)
        return self._until_the_end()

    def spin(self, seconds: float) -> None:
        """Receive messages for some seconds."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left_s)

    def _until_the_end(self) -> list[FrameRecord]:
        """Return the frames of the requested time, once the last poses have come."""
        self.spin(GRACE_S)
        frames = self.recorder.log.processed()
        if not frames:
            raise ChildError(f'the node processed no cloud:\n{self._children.report()}')
        return [frame for frame in frames
                if (frame.processed_s or 0) <= _first_s(frames) + self._config.seconds]

    def _check_silence(self, complete: list[FrameRecord], begun_s: float, now_s: float) -> None:
        timeout_s = self._config.silence_s if complete else self._config.startup_s
        last_s = max((frame.processed_s or 0 for frame in complete), default=begun_s)
        if now_s - last_s > timeout_s:
            raise ChildError(f'the node processed no cloud for {timeout_s:g} s:\n'
                             f'{self._children.report()}')


@contextlib.contextmanager
def recording(*, cloud_topic: str, truth_topic: str) -> Iterator[Recorder]:
    """Yield a recorder node in its own ROS context; SIGTERM ends the demo as Ctrl-C does."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        recorder = Recorder(cloud_topic=cloud_topic, truth_topic=truth_topic)
        try:
            yield recorder
        finally:
            recorder.destroy_node()
    finally:
        signal.signal(signal.SIGTERM, former)
        rclpy.try_shutdown()


def _first_s(frames: list[FrameRecord]) -> float:
    return min(frame.processed_s or 0 for frame in frames)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
