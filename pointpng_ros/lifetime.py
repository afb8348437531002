"""From `rclpy.init` to a clean exit: Ctrl-C once or twice, SIGTERM, refused parameters."""

from collections.abc import Callable
import os
import signal
import sys
import threading
from types import FrameType

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.logging import get_logger
from rclpy.node import Node

from pointpng_core.errors import ConfigError, PointPngError
from pointpng_ros.worker import THREAD_PREFIX


class _InterruptOnce:
    """SIGINT handler that raises KeyboardInterrupt for the first Ctrl-C only.

    `ros2 launch` delivers Ctrl-C twice: the second would hit the cleanup. rclpy.init installs
    its own handler in front of this one and calls this one after it.
    """

    def __init__(self) -> None:
        self.armed = True
        signal.signal(signal.SIGINT, self)

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt


def run_node(make_node: Callable[[], Node], *, name: str, args: list[str] | None = None,
             spin: Callable[[Node], None] = rclpy.spin) -> int:
    """Make a node, spin it until it is asked to stop, clean up; returns the exit code.

    0 after Ctrl-C, SIGTERM or the end of `spin`; 1, with the message in the log and no traceback,
    after an error of this package: a refused parameter, an unusable library, bad ROS arguments.
    """
    interrupt = _InterruptOnce()
    nodes: list[Node] = []
    code = 0
    try:
        _initialise(args)
        nodes.append(make_node())
        spin(nodes[0])
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except PointPngError as error:
        get_logger(name).fatal(str(error))
        code = 1
    except Exception:
        if rclpy.ok():
            raise
        # SIGTERM in the middle of a call: rclpy reports the closed context in many ways
    finally:
        interrupt.armed = False
        _tear_down(nodes)
    _leave_despite_busy_threads(code)
    return code


def _initialise(args: list[str] | None) -> None:
    try:
        rclpy.init(args=args)
    except RuntimeError as error:
        raise ConfigError(f'ROS arguments refused: {error}') from error


def _tear_down(nodes: list[Node]) -> None:
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()


def _leave_despite_busy_threads(code: int) -> None:
    """Skip the interpreter's own exit while a worker is still inside torch: it would abort."""
    if any(thread.name.startswith(THREAD_PREFIX) for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
