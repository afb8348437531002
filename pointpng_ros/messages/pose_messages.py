"""Posed objects to TransformStamped, String and MarkerArray; every header is the one given."""

from collections.abc import Sequence

from geometry_msgs.msg import Point, Pose, Quaternion, Transform, TransformStamped, Vector3
import numpy as np
from std_msgs.msg import ColorRGBA, Header, String
from visualization_msgs.msg import Marker, MarkerArray

from pointpng_ros.messages.posed_objects import LabelledPose, NamedPose, PosedObject

AXIS_LENGTH_M = 0.05
_AXIS_COLOURS = ((0.9, 0.1, 0.1), (0.1, 0.8, 0.1), (0.2, 0.3, 1.0))        # x y z: REP-103's
_SEGMENT_COLOURS = ((0.90, 0.60, 0.00), (0.35, 0.70, 0.90), (0.00, 0.62, 0.45),
                    (0.94, 0.89, 0.26), (0.00, 0.45, 0.70), (0.84, 0.37, 0.00),
                    (0.80, 0.47, 0.65))                                    # Okabe and Ito's
_TEXT_HEIGHT_M = 0.03
_TEXT_LIFT_M = 0.05


def transform_of(posed: NamedPose, header: Header) -> TransformStamped:
    """Return the transform that maps points of the child frame LABEL_INDEX into the header's."""
    x, y, z = posed.position_m
    qx, qy, qz, qw = posed.quat_xyzw
    return TransformStamped(
        header=header, child_frame_id=posed.child_frame,
        transform=Transform(translation=Vector3(x=x, y=y, z=z),
                            rotation=Quaternion(x=qx, y=qy, z=qz, w=qw)))


def label_of(posed: LabelledPose) -> String:
    """Return the class label."""
    return String(data=posed.label)


def pose_of(posed: LabelledPose) -> Pose:
    """Return position and orientation as a geometry_msgs/Pose."""
    x, y, z = posed.position_m
    qx, qy, qz, qw = posed.quat_xyzw
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))


def markers_of(objects: Sequence[PosedObject], header: Header, *, max_points: int) -> MarkerArray:
    """Return DELETEALL and, for every object, its points, axes and text."""
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for number, posed in enumerate(objects):
        if max_points and len(posed.points):
            markers.append(_points(posed, header, number, max_points))
        markers.append(_axes(posed, header, number))
        markers.append(_text(posed, header, number))
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
                    pose=pose_of(posed), scale=Vector3(x=0.004), color=_colour((1.0, 1.0, 1.0)))
    tips = np.eye(3) * AXIS_LENGTH_M
    for tip, colour in zip(tips, _AXIS_COLOURS):
        marker.points += _as_points(np.stack([np.zeros(3), tip]))
        marker.colors += [_colour(colour)] * 2
    return marker


def _text(posed: PosedObject, header: Header, number: int) -> Marker:
    doubt = ' ?' if posed.ambiguous else ''
    marker = Marker(header=header, ns='text', id=number, type=Marker.TEXT_VIEW_FACING,
                    pose=pose_of(posed), scale=Vector3(z=_TEXT_HEIGHT_M),
                    color=_colour((1.0, 1.0, 1.0)),
                    text=f'{posed.child_frame} {posed.confidence:.2f}{doubt}')
    marker.pose.position.y -= _TEXT_LIFT_M      # up, in an optical frame
    return marker


def _as_points(points: np.ndarray) -> list[Point]:
    return [Point(x=x, y=y, z=z) for x, y, z in points.astype(np.float64).tolist()]


def _colour(rgb: tuple[float, float, float]) -> ColorRGBA:
    return ColorRGBA(r=rgb[0], g=rgb[1], b=rgb[2], a=1.0)
