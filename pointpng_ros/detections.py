"""Posed objects to vision_msgs/Detection3DArray, which only a full ROS 2 installation has."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from geometry_msgs.msg import Vector3
import numpy as np

from pointpng_ros import optional
from pointpng_ros.messages import pose_of
from pointpng_ros.posed_objects import PosedObject

ASKED_BY = 'the parameter publish_detections'


class DetectionMessages:
    """Builds Detection3DArray; construction raises MissingDependencyError without vision_msgs."""

    def __init__(self) -> None:
        self._msg: ModuleType = optional.require('vision_msgs.msg', asked_by=ASKED_BY)

    @property
    def message_type(self) -> Any:
        """The class vision_msgs.msg.Detection3DArray."""
        return self._msg.Detection3DArray

    def array_of(self, objects: Sequence[PosedObject], header: Any) -> Any:
        """Return one detection per object, an empty array when there is none."""
        return self._msg.Detection3DArray(
            header=header, detections=[self._detection(posed, header) for posed in objects])

    def _detection(self, posed: PosedObject, header: Any) -> Any:
        hypothesis = self._msg.ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id = posed.label
        hypothesis.hypothesis.score = posed.score
        hypothesis.pose.pose = pose_of(posed)
        centre_m, size_m = box_in_object_frame(posed)
        box = self._msg.BoundingBox3D(center=pose_of(posed))
        moved = posed.T_frame_object[:3, :3] @ centre_m + posed.T_frame_object[:3, 3]
        box.center.position.x, box.center.position.y, box.center.position.z = map(float, moved)
        box.size = Vector3(x=float(size_m[0]), y=float(size_m[1]), z=float(size_m[2]))
        return self._msg.Detection3D(header=header, results=[hypothesis], bbox=box,
                                     id=posed.child_frame)


def box_in_object_frame(posed: PosedObject) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and size (3,), metres, of the seen points' box along the object's axes."""
    R, t = posed.T_frame_object[:3, :3], posed.T_frame_object[:3, 3]
    points_object = (posed.points - t) @ R
    low, high = points_object.min(axis=0), points_object.max(axis=0)
    return (low + high) / 2, high - low
