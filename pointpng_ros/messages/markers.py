"""Objects to a MarkerArray, also of several cameras on one topic."""

from collections.abc import Mapping, Sequence
import time
from typing import Any

from geometry_msgs.msg import Point, Vector3
import numpy as np
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from pointpng_core.text import printable
from pointpng_core.tracking.refusal_words import taken_for
from pointpng_ros.messages.pose_messages import box_pose_of, pose_of
from pointpng_ros.messages.posed_objects import PosedObject

SHOWN_S = 2.0
AXIS_LENGTH_M = 0.05
_AXIS_COLOURS = ((0.9, 0.1, 0.1), (0.1, 0.8, 0.1), (0.2, 0.3, 1.0))        # x y z: REP-103's
_SEGMENT_COLOURS = ((0.90, 0.60, 0.00), (0.35, 0.70, 0.90), (0.00, 0.62, 0.45),
                    (0.94, 0.89, 0.26), (0.00, 0.45, 0.70), (0.84, 0.37, 0.00),
                    (0.80, 0.47, 0.65))                                    # Okabe and Ito's
_TEXT_HEIGHT_M = 0.03
_TEXT_LIFT_M = 0.05
_POORLY_CONSTRAINED = 'poorly_constrained'
NOT_ACCEPTED = 'not_accepted'
_SMALL_TEXT_M = 0.012
Entry = Mapping[str, Any]
_WHITE, _GREY, _SEE_THROUGH = (1.0, 1.0, 1.0), (0.6, 0.6, 0.6), 0.25


def markers_of(objects: Sequence[PosedObject], header: Header, *, max_points: int,
               poorly_constrained: Sequence[PosedObject] = (),
               not_accepted: Sequence[Entry] = ()) -> MarkerArray:
    """Return DELETEALL and, for every object, its points, axes and text.

    A poorly constrained object has the box in which it is, and a text, in a namespace of its own.
    So has each segment without an accepted pose, an `Entry`: what it was taken for, and why not.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for number, posed in enumerate(objects):
        if max_points and len(posed.points):
            markers.append(_points(posed, header, number, max_points))
        markers.append(_axes(posed, header, number))
        markers.append(_text(posed, header, number))
    for number, posed in enumerate(poorly_constrained):
        markers += [_box(posed, header, 2 * number), _place(posed, header, 2 * number + 1)]
    markers += [_refusal(entry, header, number) for number, entry in enumerate(not_accepted)]
    return MarkerArray(markers=markers)


def _points(posed: PosedObject, header: Header, number: int, max_points: int) -> Marker:
    stride = -(-len(posed.points) // max_points)
    marker = Marker(header=header, ns='points', id=number, type=Marker.POINTS,
                    scale=Vector3(x=0.003, y=0.003),
                    color=_colour(_SEGMENT_COLOURS[number % len(_SEGMENT_COLOURS)]))
    marker.pose.orientation.w = 1.0
    marker.points = _as_points(posed.points[::stride])
    return marker


def _axes(posed: PosedObject, header: Header, number: int) -> Marker:
    marker = Marker(header=header, ns='axes', id=number, type=Marker.LINE_LIST,
                    pose=pose_of(posed), scale=Vector3(x=0.004), color=_colour(_WHITE))
    tips = np.eye(3) * AXIS_LENGTH_M
    for tip, colour in zip(tips, _AXIS_COLOURS):
        marker.points += _as_points(np.stack([np.zeros(3), tip]))
        marker.colors += [_colour(colour)] * 2
    return marker


def _text(posed: PosedObject, header: Header, number: int) -> Marker:
    doubt = ' ?' if posed.ambiguous else ''
    return _words(posed, header, 'text', number,
                  f'{posed.child_frame} {posed.confidence:.2f}{doubt}')


def _box(posed: PosedObject, header: Header, number: int) -> Marker:
    x, y, z = posed.box[1].tolist()
    return Marker(header=header, ns=_POORLY_CONSTRAINED, id=number, type=Marker.CUBE,
                  pose=box_pose_of(posed), scale=Vector3(x=x, y=y, z=z),
                  color=_colour(_GREY, _SEE_THROUGH))


def _place(posed: PosedObject, header: Header, number: int) -> Marker:
    return _words(posed, header, _POORLY_CONSTRAINED, number,
                  f'{posed.child_frame} poorly constrained')


def _refusal(entry: Entry, header: Header, number: int) -> Marker:
    marker = Marker(header=header, ns=NOT_ACCEPTED, id=number, type=Marker.TEXT_VIEW_FACING,
                    scale=Vector3(z=_SMALL_TEXT_M), color=_colour(_GREY),
                    text=printable(f'{taken_for(entry)}: {entry["reason"]}'))
    marker.pose.orientation.w = 1.0
    x, y, z = entry['centre_m']
    marker.pose.position = Point(x=x, y=y, z=z)
    return marker


def _words(posed: PosedObject, header: Header, namespace: str, number: int, text: str) -> Marker:
    marker = Marker(header=header, ns=namespace, id=number, type=Marker.TEXT_VIEW_FACING,
                    pose=pose_of(posed), scale=Vector3(z=_TEXT_HEIGHT_M),
                    color=_colour(_WHITE), text=text)
    if in_optical_frame(header.frame_id):
        marker.pose.position.y -= _TEXT_LIFT_M
    else:
        marker.pose.position.z += _TEXT_LIFT_M
    return marker


def in_optical_frame(frame_id: str) -> bool:
    """Return whether -y is up in a frame, as in a camera's image; elsewhere +z is up.

    Its name tells: by REP-103 frames of cameras with z forward have the suffix _optical, which
    drivers extend (camera_depth_optical_frame), and all others have z up.
    """
    return 'optical' in frame_id.lower()


def _as_points(points: np.ndarray) -> list[Point]:
    return [Point(x=x, y=y, z=z) for x, y, z in points.astype(np.float64).tolist()]


def _colour(rgb: tuple[float, float, float], alpha: float = 1.0) -> ColorRGBA:
    return ColorRGBA(r=rgb[0], g=rgb[1], b=rgb[2], a=alpha)


class MarkerBoard:
    """Merges the markers of several cameras on one topic: each array deletes those before it.

    The newest markers of each camera are kept by its name; a single camera has no name.
    """

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
