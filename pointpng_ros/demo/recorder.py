"""Subscriptions of the demo: everything the camera and the node publish, sorted by stamp."""

from collections import deque
import struct
import time

from geometry_msgs.msg import TransformStamped
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_ros.demo.frame_log import FrameLog, FrameRecord, Refusal
from pointpng_ros.demo.scoring import ObjectPose
from pointpng_ros.messages.markers import NOT_ACCEPTED
from pointpng_ros.messages.pose_messages import matrix_from_transform
from pointpng_ros.messages.stamps import stamp_ns
from pointpng_ros.processing.pose_publisher import MARKER_TOPIC, POSE_TOPIC

HIDDEN_TOPIC = '/pointpng/ground_truth_hidden'
_MANY = QoSProfile(depth=1000)
_KEPT_CLOUDS = 64          # 640x480: 3.7 MB each; most older than the last processed go
_KEPT_PROCESSED = 10


class Recorder(Node):
    """Fills `log`; clouds are kept as serialised bytes and decoded on request."""

    def __init__(self, *, cloud_topic: str, truth_topic: str) -> None:
        """Record; an empty cloud topic keeps no clouds, which saves the load of receiving them."""
        super().__init__('demo_recorder')
        self.log = FrameLog()
        self._clouds: deque[tuple[int, float, bytes]] = deque(maxlen=_KEPT_CLOUDS)
        self._wanted_ns: deque[int] = deque(maxlen=_KEPT_PROCESSED)
        self.create_subscription(TransformStamped, truth_topic, self._on_truth, _MANY)
        self.create_subscription(TransformStamped, HIDDEN_TOPIC, self._on_hidden, _MANY)
        self.create_subscription(TransformStamped, POSE_TOPIC, self._on_pose, _MANY)
        self.create_subscription(MarkerArray, MARKER_TOPIC, self._on_markers, _MANY)
        if cloud_topic:
            self.create_subscription(PointCloud2, cloud_topic, self._on_cloud,
                                     QoSProfile(depth=2), raw=True)

    def cloud_at(self, stamp_ns: int) -> PointCloud | None:
        """Return the cloud of a stamp, None if it is not among the newest; raises CloudError."""
        for kept_ns, _, message in self._clouds:
            if kept_ns == stamp_ns:
                return decode_cloud(deserialize_message(message, PointCloud2))
        return None

    def _on_truth(self, message: TransformStamped) -> None:
        self._record(message).truths.append(_labelled(message))

    def _on_hidden(self, message: TransformStamped) -> None:
        self._record(message).hidden.append(_labelled(message))

    def _on_pose(self, message: TransformStamped) -> None:
        self._record(message).detections.append(_labelled(message))

    def _on_cloud(self, message: bytes) -> None:
        self._clouds.append((_raw_stamp_ns(message), time.monotonic(), message))

    def _on_markers(self, message: MarkerArray) -> None:
        if not message.markers:
            return
        stamp_ns = _stamp_ns(message.markers[0])
        record = self._record(message.markers[0])
        record.processed_s = time.monotonic()
        record.end_to_end_ms = self._age_ms(stamp_ns)
        self._forget_before(stamp_ns)
        record.segments = [_points(marker) for marker in message.markers if marker.ns == 'points']
        record.refused = [_refusal(marker) for marker in message.markers
                          if marker.ns == NOT_ACCEPTED]

    def _record(self, message: TransformStamped | Marker) -> FrameRecord:
        return self.log.at(_stamp_ns(message), time.monotonic())

    def _forget_before(self, stamp_ns: int) -> None:
        """Drop clouds older than a processed one, except the last few that were processed."""
        self._wanted_ns.append(stamp_ns)
        kept = [entry for entry in self._clouds
                if entry[0] >= stamp_ns or entry[0] in self._wanted_ns]
        self._clouds = deque(kept, maxlen=_KEPT_CLOUDS)

    def _age_ms(self, stamp_ns: int) -> float:
        """Return the time since the stamp, or since arrival when the stamp is of a recording."""
        age_ms = (self.get_clock().now().nanoseconds - stamp_ns) / 1e6
        if abs(age_ms) < 60_000:
            return age_ms
        arrivals = [came_s for kept_ns, came_s, _ in self._clouds if kept_ns == stamp_ns]
        return 1000 * (time.monotonic() - arrivals[-1]) if arrivals else float('nan')


def _labelled(message: TransformStamped) -> ObjectPose:
    """Return the pose of a transform to LABEL_INDEX; the label may contain underscores."""
    return ObjectPose(label=message.child_frame_id.rpartition('_')[0],
                        frame=message.child_frame_id,
                        T_camera_object=matrix_from_transform(message.transform))


def _refusal(marker: Marker) -> Refusal:
    place = marker.pose.position
    return Refusal(text=marker.text, centre_m=(place.x, place.y, place.z))


def _stamp_ns(message: TransformStamped | Marker) -> int:
    return stamp_ns(message.header.stamp)


def _raw_stamp_ns(message: bytes) -> int:
    """Return the stamp of a serialised message with a Header: 4 bytes of CDR precede it."""
    order = '<' if message[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(f'{order}iI', message, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _points(marker: Marker) -> np.ndarray:
    return np.array([(point.x, point.y, point.z) for point in marker.points],
                    dtype=np.float32).reshape(-1, 3)
