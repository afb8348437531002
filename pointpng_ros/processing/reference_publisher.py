"""Publishes the references that poses are relative to, latched, as one JSON text."""

from collections.abc import Callable
import threading
from typing import TYPE_CHECKING

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

from pointpng_ros.messages.json_messages import reference_list
from pointpng_ros.parameters.qos_overrides import create_publisher

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.reference import Reference

    InUse = tuple[list[Reference], str]

REFERENCE_TOPIC = 'pointpng/references'
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class ReferencePublisher:
    """Publishes the references whenever they have changed; safe to call from several threads.

    `current` returns the references in use and their mode.
    """

    def __init__(self, node: Node, current: 'Callable[[], InUse]') -> None:
        self._publisher = create_publisher(node, String, REFERENCE_TOPIC, LATCHED)
        self._current = current
        self._last: InUse | None = None
        self._lock = threading.Lock()

    def update(self) -> None:
        """Publish, unless these very references were published last."""
        with self._lock:             # asked for inside, so that the last message is the newest
            last, self._last = self._last, self._current()
            if last is None or not _same(last, self._last):
                self._publisher.publish(reference_list(*self._last))

    def after(self, act: Callable[[], str]) -> Callable[[], str]:
        """Return an action of a service that also publishes the references it has changed."""
        def acted() -> str:
            text = act()
            self.update()
            return text
        return acted


def _same(a: 'InUse', b: 'InUse') -> bool:
    return a[1] == b[1] and [id(reference) for reference in a[0]] == [
        id(reference) for reference in b[0]]
