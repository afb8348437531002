"""The markers of several cameras on one topic: each array would delete those of the others."""

import time

from visualization_msgs.msg import Marker, MarkerArray

SHOWN_S = 2.0


class MarkerBoard:
    """Remembers the newest markers of each camera, by name; a single camera has none."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[float, list[Marker]]] = {}

    def with_others(self, camera: str, array: MarkerArray) -> MarkerArray:
        """Return a camera's array, DELETEALL first, with the other cameras' markers at its end.

        Namespaces get the name of the camera; what is older than two seconds is left out.
        """
        if not camera:
            return array
        now_s = time.monotonic()
        for marker in array.markers[1:]:
            marker.ns = f'{camera} {marker.ns}'
        self._shown[camera] = now_s, list(array.markers[1:])
        for name, (shown_s, markers) in self._shown.items():
            if name != camera and now_s - shown_s < SHOWN_S:
                array.markers += markers
        return array
