"""Everything the node publishes for one processed cloud."""

from collections.abc import Sequence

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Header, String
from visualization_msgs.msg import MarkerArray

from pointpng_ros.detections import DetectionMessages
from pointpng_ros.frames import PoseBroadcaster
from pointpng_ros.marker_board import MarkerBoard
from pointpng_ros.messages import label_of, markers_of, transform_of
from pointpng_ros.node_config import NodeConfig
from pointpng_ros.posed_objects import PosedObject

# Relative: /pointpng/pose without a namespace, /left/pointpng/pose of the node in /left.
POSE_TOPIC = 'pointpng/pose'
LABEL_TOPIC = 'pointpng/label'
MARKER_TOPIC = 'pointpng/markers'
DETECTION_TOPIC = 'pointpng/detections'
_RELIABLE = QoSProfile(depth=100)          # one message an object: a cloud brings many at once


class PosePublisher:
    """Publishes poses, labels and markers, and tf and detections where the parameters ask.

    Construction raises MissingDependencyError for what is asked for and not installed.
    """

    def __init__(self, node: Node, config: NodeConfig) -> None:
        self._broadcaster = PoseBroadcaster(node) if config.publish_tf else None
        self._detections = DetectionMessages() if config.publish_detections else None
        self._board = MarkerBoard()
        self._pose = node.create_publisher(TransformStamped, POSE_TOPIC, _RELIABLE)
        self._label = node.create_publisher(String, LABEL_TOPIC, _RELIABLE)
        self._markers = node.create_publisher(MarkerArray, MARKER_TOPIC, _RELIABLE)
        if self._detections:
            self._detection = node.create_publisher(self._detections.message_type,
                                                    DETECTION_TOPIC, _RELIABLE)

    @property
    def wanted(self) -> bool:
        """Whether anybody gets what is published for a cloud; tf has no count, so it counts."""
        outputs = [self._pose, self._label, self._markers,
                   *([self._detection] if self._detections else [])]
        return self._broadcaster is not None or any(
            output.get_subscription_count() for output in outputs)

    def publish(self, objects: Sequence[PosedObject], header: Header, *, marker_points: int,
                camera: str = '') -> None:
        """Publish one cloud's objects, all with `header`; the markers come last.

        `camera` is the name of one of several cameras.
        """
        transforms = [transform_of(posed, header) for posed in objects]
        for posed, transform in zip(objects, transforms):
            self._pose.publish(transform)
            self._label.publish(label_of(posed))
        if self._broadcaster:
            self._broadcaster.send(transforms)
        if self._detections:
            self._detection.publish(self._detections.array_of(objects, header))
        self._markers.publish(self._board.with_others(
            camera, markers_of(objects, header, max_points=marker_points)))
