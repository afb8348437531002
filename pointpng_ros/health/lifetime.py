"""From `rclpy.init` to a clean exit: Ctrl-C once or twice, SIGTERM, refused parameters."""

from collections.abc import Callable
import os
import signal
import sys
import threading
from types import FrameType

import rclpy
from rclpy.executors import Executor, ExternalShutdownException, MultiThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.logging import get_logger
from rclpy.node import Node

from pointpng_core.errors import ConfigError, PointPngError
from pointpng_core.text import printable

RCLError = rclpy_implementation.RCLError
THREAD_PREFIX = 'pointpng-'
"""Prefix of the names of threads that may be busy in torch when the process ends."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_node(make_node: Callable[[], Node], *, name: str, args: list[str] | None = None,
             spin: Callable[[Node], None] | None = None, threads: int = 1) -> int:
    """Make a node, spin it until it is asked to stop, clean up; returns the exit code.

    `threads` above one let callbacks of different groups run at the same time.

    0 after Ctrl-C, SIGTERM or the end of `spin`; 1, with the message in the log and no traceback,
    after an error of this package: a refused parameter, an unusable library, bad ROS arguments.
    """
    nodes: list[Node] = []
    code = 0
    try:
        executor = _initialise(args, threads)
        nodes.append(_made(make_node))
        if spin:
            spin(nodes[0])
        else:
            rclpy.spin(nodes[0], executor)
    except ExternalShutdownException:
        pass
    except PointPngError as error:
        get_logger(name).fatal(printable(str(error)))
        code = 1
    except Exception:
        if rclpy.ok():
            raise
        # a signal in the middle of a call: rclpy reports the closed context in many ways
    finally:
        _tear_down(nodes)
    _leave_despite_busy_threads(code)
    return code


def stop_when_asked() -> None:
    """Raise ExternalShutdownException once a signal has come; for long work before spinning."""
    if not rclpy.ok():
        raise ExternalShutdownException


def _initialise(args: list[str] | None, threads: int) -> Executor:
    """Initialise ROS so that signals only close the context: no KeyboardInterrupt anywhere.

    Returns the executor to spin with. Ctrl-C arrives twice under `ros2 launch`, and an exception
    in the middle of rclpy's or torch's own code leaves tracebacks behind. rclpy.init puts its
    handlers, which close the context and wake the executor, in front of those set here; these are
    left when it takes them back. Signals are held meanwhile, and while the executor is made, whose
    constructor leaves noise when the context is closed under it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        for number in _SIGNALS:
            signal.signal(number, _ignore)
        rclpy.init(args=args)
        return MultiThreadedExecutor(threads) if threads > 1 else rclpy.get_global_executor()
    except RuntimeError as error:
        raise ConfigError(f'ROS arguments refused: {error}') from error
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _made(make_node: Callable[[], Node]) -> Node:
    """Return a new node; raises ConfigError where ROS refuses one, as for a lack of security."""
    try:
        return make_node()
    except RCLError as error:
        if not rclpy.ok():               # a signal meanwhile
            raise
        secured = os.environ.get('ROS_SECURITY_ENABLE') == 'true'
        fix = ('. Fix: ROS_SECURITY_ENABLE is true, which the wheels of Fast DDS on PyPI cannot '
               'serve: use a ROS 2 from apt (docs/deploy.md), or unset it' if secured else '')
        raise ConfigError(f'ROS made no node: {" ".join(str(error).split())}{fix}') from error


def _ignore(signum: int, frame: FrameType | None) -> None:
    """Do nothing for a signal: SIG_IGN would keep rclpy's handler from being called."""


def _tear_down(nodes: list[Node]) -> None:
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()
    for number in _SIGNALS:      # the interpreter's own exit would make them deadly again
        signal.signal(number, signal.SIG_IGN)


def _leave_despite_busy_threads(code: int) -> None:
    """Skip the interpreter's own exit while a worker is still inside torch: it would abort."""
    if any(thread.name.startswith(THREAD_PREFIX) for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
