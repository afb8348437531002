"""Publishes the results of a processed cloud on all topics."""

from collections.abc import Callable, Sequence

from geometry_msgs.msg import TransformStamped
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header, String
from visualization_msgs.msg import MarkerArray

from pointpng_ros.inputs.cloud_topics import SEGMENT_TOPIC
from pointpng_ros.messages.cloud_message import segment_cloud
from pointpng_ros.messages.detections import DetectionMessages
from pointpng_ros.messages.json_messages import object_list
from pointpng_ros.messages.markers import Entry, MarkerBoard, markers_of
from pointpng_ros.messages.pose_messages import label_of, transform_of
from pointpng_ros.messages.posed_objects import PosedObject
from pointpng_ros.messages.tf_frames import PoseBroadcaster
from pointpng_ros.parameters.node_config import NodeConfig
from pointpng_ros.parameters.qos_overrides import create_publisher

# Relative: /pointpng/pose without a namespace, /left/pointpng/pose of the node in /left.
POSE_TOPIC = 'pointpng/pose'
LABEL_TOPIC = 'pointpng/label'
MARKER_TOPIC = 'pointpng/markers'
OBJECT_TOPIC = 'pointpng/objects'
DETECTION_TOPIC = 'pointpng/detections'
_RELIABLE = QoSProfile(depth=100)          # one message an object: a cloud brings many at once
_NEWEST = QoSProfile(depth=1)


class PosePublisher:
    """Publishes poses, labels and markers, and tf and detections where the parameters ask.

    What one message holds for all objects is built only while somebody subscribes to it.
    Construction raises MissingDependencyError for what is asked for and not installed.
    """

    def __init__(self, node: Node, config: NodeConfig) -> None:
        self._broadcaster = PoseBroadcaster(node) if config.publish_tf else None
        self._detections = DetectionMessages() if config.publish_detections else None
        self._board = MarkerBoard()
        self._pose = create_publisher(node, TransformStamped, POSE_TOPIC, _RELIABLE)
        self._label = create_publisher(node, String, LABEL_TOPIC, _RELIABLE)
        self._markers = create_publisher(node, MarkerArray, MARKER_TOPIC, _RELIABLE)
        self._objects = create_publisher(node, String, OBJECT_TOPIC, _RELIABLE)
        self._segments = create_publisher(node, PointCloud2, SEGMENT_TOPIC, _NEWEST)
        self._outputs = [self._pose, self._label, self._markers, self._objects, self._segments]
        if self._detections:
            self._detection = create_publisher(node, self._detections.message_type,
                                               DETECTION_TOPIC, _RELIABLE)
            self._outputs.append(self._detection)

    @property
    def wanted(self) -> bool:
        """Return whether any output has a subscriber; /tf, which cannot be counted, always has."""
        return self._broadcaster is not None or any(
            output.get_subscription_count() for output in self._outputs)

    def publish(self, objects: Sequence[PosedObject], header: Header, *, marker_points: int,
                unposed: Callable[[], list[np.ndarray]],
                poorly_constrained: Sequence[PosedObject] = (),
                not_accepted: Sequence[Entry] = (), camera: str = '') -> None:
        """Publish one cloud's objects, all with `header`; the markers come last.

        `poorly_constrained` objects have no pose to act on: they are among the detections, marked,
        in a list of their own in the JSON, and among the markers, but neither poses nor tf.
        `not_accepted` are segments without an accepted pose, told in the JSON and the markers.
        `unposed` returns the points (N, 3) of each segment without a pose, in the same frame.
        `camera` is the name of one of several cameras.
        """
        transforms = [transform_of(posed, header) for posed in objects]
        for posed, transform in zip(objects, transforms):
            self._pose.publish(transform)
            self._label.publish(label_of(posed))
        if self._broadcaster:
            self._broadcaster.send(transforms)
        if self._detections and self._detection.get_subscription_count():
            self._detection.publish(self._detections.array_of([*objects, *poorly_constrained],
                                                              header))
        if self._objects.get_subscription_count():
            self._objects.publish(object_list(objects, header, poorly_constrained,
                                              not_accepted))
        if self._segments.get_subscription_count():
            self._segments.publish(segment_cloud(objects, unposed(), header))
        if self._markers.get_subscription_count():
            self._markers.publish(self._board.with_others(
                camera, markers_of(objects, header, max_points=marker_points,
                                   poorly_constrained=poorly_constrained,
                                   not_accepted=not_accepted)))
