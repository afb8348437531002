"""Posed objects to vision_msgs/Detection3DArray, which only a full ROS 2 installation has."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from geometry_msgs.msg import Vector3
import numpy as np
from std_msgs.msg import Header

from pointpng_ros.health import optional_packages as optional
from pointpng_ros.messages.pose_messages import box_pose_of, pose_of
from pointpng_ros.messages.posed_objects import LabelledPose, PosedObject

ASKED_BY = 'the parameter publish_detections'
UNKNOWN = -1.0
"""First element of a covariance that is unknown, as in sensor_msgs/Imu."""


class DetectionMessages:
    """Builds Detection3DArray; construction raises MissingDependencyError without vision_msgs."""

    def __init__(self) -> None:
        self._msg: ModuleType = optional.require('vision_msgs.msg', asked_by=ASKED_BY)

    @property
    def message_type(self) -> Any:
        """Return the class vision_msgs.msg.Detection3DArray."""
        return self._msg.Detection3DArray

    def array_of(self, objects: Sequence[PosedObject], header: Header) -> Any:
        """Return one detection per object, an empty array when there is none.

        The class of a poorly constrained object begins with POORLY_CONSTRAINED, so that nobody who
        looks for a label takes its pose; its identity is the same as when its pose is accepted.
        """
        return self._msg.Detection3DArray(
            header=header, detections=[self._detection(posed, header) for posed in objects])

    def _detection(self, posed: PosedObject, header: Header) -> Any:
        best = self._hypothesis(posed)
        best.hypothesis.class_id = posed.class_id
        best.pose.covariance = posed.covariance.ravel().tolist()
        others = [self._hypothesis(other) for other in posed.others]
        for other in others:
            other.pose.covariance[0] = UNKNOWN
        box = self._msg.BoundingBox3D(center=box_pose_of(posed), size=_vector(posed.box[1]))
        return self._msg.Detection3D(header=header, results=[best, *others], bbox=box,
                                     id=posed.child_frame)

    def _hypothesis(self, posed: LabelledPose) -> Any:
        hypothesis = self._msg.ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id = posed.label
        hypothesis.hypothesis.score = posed.confidence
        hypothesis.pose.pose = pose_of(posed)
        return hypothesis


def _vector(size_m: np.ndarray) -> Vector3:
    x, y, z = size_m.tolist()
    return Vector3(x=x, y=y, z=z)
