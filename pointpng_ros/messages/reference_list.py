"""The references in use, latched, as one JSON text: what the poses are relative to."""

from collections.abc import Callable, Sequence
import json
import threading
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

from pointpng_ros.processing.reference_mode import FIRST_LOOK, LIBRARY, PREVIOUS_FRAME, TOPIC

REFERENCE_TOPIC = 'pointpng/references'
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_LOOK = "axes of the cloud's frame, origin at the centroid of the points seen in the "
FRAMES = {LIBRARY: "that of the object's file, in metres", FIRST_LOOK: _LOOK + 'first look',
          TOPIC: _LOOK + 'cloud on reference_topic', PREVIOUS_FRAME: _LOOK + 'cloud before'}
"""What an object's own frame is, by mode."""


def reference_list(references: Sequence[Any], mode: str) -> str:
    """Return the JSON text; docs/topics.md describes the keys."""
    return json.dumps({'source': mode, 'frame': FRAMES[mode],
                       'references': [_entry(reference) for reference in references]})


class ReferencePublisher:
    """Publishes the references whenever others are in use; safe from several threads.

    `current` returns those in use and their mode.
    """

    def __init__(self, node: Node, current: Callable[[], tuple[list[Any], str]]) -> None:
        self._publisher = node.create_publisher(String, REFERENCE_TOPIC, LATCHED)
        self._current = current
        self._last: tuple[list[Any], str] | None = None
        self._lock = threading.Lock()

    def update(self) -> None:
        """Publish, unless these very references were published last."""
        with self._lock:             # asked for inside, so that the last message is the newest
            last, self._last = self._last, self._current()
            if last is None or not _same(last, self._last):
                self._publisher.publish(String(data=reference_list(*self._last)))

    def after(self, act: Callable[[], str]) -> Callable[[], str]:
        """Return a service's action with the references that it left published."""
        def acted() -> str:
            text = act()
            self.update()
            return text
        return acted


def _same(a: tuple[list[Any], str], b: tuple[list[Any], str]) -> bool:
    return a[1] == b[1] and [id(reference) for reference in a[0]] == [
        id(reference) for reference in b[0]]


def _entry(reference: Any) -> dict[str, Any]:
    centre_m, size_m = reference.box
    symmetry = reference.symmetry
    return {'name': reference.name, 'complete': reference.complete,
            'diameter_m': reference.diameter_m,
            'box': {'centre_m': centre_m.tolist(), 'size_m': size_m.tolist()},
            'symmetry': {'kind': symmetry.kind if symmetry.elements else 'none',
                         'elements': [{'axis': element.axis, 'order': element.order,
                                       'point_m': element.point}
                                      for element in symmetry.elements]}}
