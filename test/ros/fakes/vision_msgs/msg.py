"""The messages of vision_msgs 4 that this package uses; they travel over DDS as JSON in Strings.

Importing this teaches rclpy's nodes to publish and subscribe Detection3DArray.
"""

from dataclasses import dataclass, field, fields
import json
from typing import Any

from geometry_msgs.msg import Pose, PoseWithCovariance, Vector3
from rclpy.node import Node
from std_msgs.msg import Header, String


@dataclass(slots=True, kw_only=True)
class ObjectHypothesis:
    class_id: str = ''
    score: float = 0.0


@dataclass(slots=True, kw_only=True)
class ObjectHypothesisWithPose:
    hypothesis: ObjectHypothesis = field(default_factory=ObjectHypothesis)
    pose: PoseWithCovariance = field(default_factory=PoseWithCovariance)


@dataclass(slots=True, kw_only=True)
class BoundingBox3D:
    center: Pose = field(default_factory=Pose)
    size: Vector3 = field(default_factory=Vector3)


@dataclass(slots=True, kw_only=True)
class Detection3D:
    header: Header = field(default_factory=Header)
    results: list[ObjectHypothesisWithPose] = field(default_factory=list)
    bbox: BoundingBox3D = field(default_factory=BoundingBox3D)
    id: str = ''


@dataclass(slots=True, kw_only=True)
class Detection3DArray:
    header: Header = field(default_factory=Header)
    detections: list[Detection3D] = field(default_factory=list)


_ITEMS = {'results': ObjectHypothesisWithPose, 'detections': Detection3D}


def names_of(message: Any) -> list[str]:
    if hasattr(message, 'get_fields_and_field_types'):
        return list(message.get_fields_and_field_types())
    return [each.name for each in fields(message)]


def to_jsonable(value: Any) -> Any:
    if isinstance(value, list):
        return [to_jsonable(each) for each in value]
    if hasattr(value, 'tolist'):
        return value.tolist()
    if isinstance(value, str | int | float):
        return value
    return {name: to_jsonable(getattr(value, name)) for name in names_of(value)}


def filled(message: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        if isinstance(value, dict):
            filled(getattr(message, name), value)
        elif name in _ITEMS:
            setattr(message, name, [filled(_ITEMS[name](), each) for each in value])
        else:
            setattr(message, name, value)
    return message


class Carrier:
    """A publisher of Strings that takes arrays of detections."""

    def __init__(self, publisher: Any) -> None:
        self._publisher = publisher

    def publish(self, message: Detection3DArray) -> None:
        assert isinstance(message, Detection3DArray)
        self._publisher.publish(String(data=json.dumps(to_jsonable(message))))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._publisher, name)


_create_publisher, _create_subscription = Node.create_publisher, Node.create_subscription


def create_publisher(node: Node, message_type: Any, *args: Any, **options: Any) -> Any:
    if message_type is not Detection3DArray:
        return _create_publisher(node, message_type, *args, **options)
    return Carrier(_create_publisher(node, String, *args, **options))


def create_subscription(node: Node, message_type: Any, topic: str, callback: Any, *args: Any,
                        **options: Any) -> Any:
    if message_type is not Detection3DArray:
        return _create_subscription(node, message_type, topic, callback, *args, **options)
    return _create_subscription(
        node, String, topic, lambda text: callback(filled(Detection3DArray(),
                                                          json.loads(text.data))),
        *args, **options)


Node.create_publisher, Node.create_subscription = create_publisher, create_subscription
