"""Rules of a picking node: whether a detection may be reached for, and where it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Header

from pointpng_core.config import Config, option
from pointpng_core.errors import CloudError, MissingDependencyError
from pointpng_core.geometry.rigid_motion import point_sigma_m
from pointpng_core.text import printable
from pointpng_ros.messages.pose_messages import matrix_from_pose
from pointpng_ros.messages.posed_objects import POORLY_CONSTRAINED
from pointpng_ros.messages.tf_frames import FrameLookup


@dataclass(frozen=True, kw_only=True)
class PickRules(Config):
    """Parameters: what is picked, and which detections are too old or too uncertain."""

    label: str = option('mug', help='Label of the objects to pick.')
    base_frame: str = option('base_link', help='Frame of the poses for the robot.')
    max_age_s: float = option(
        0.5, unit='s', low=0.0, high=60.0,
        help='Older detections are not reached for, and a target not seen for longer is dropped.')
    min_confidence: float = option(
        0.8, low=0.0, high=1.0, help='Least probability that object and pose are right.')
    max_second_best_share: float = option(
        0.5, low=0.0, high=1.0,
        help='Another pose or label with more than this share of the confidence is a doubt.')
    max_sigma_m: float = option(
        0.005, unit='m', low=0.0, high=1.0,
        help='Largest standard deviation of the points the gripper goes to.')


@dataclass(frozen=True, kw_only=True, eq=False)
class Obstacle:
    """The box of a detected object: T_base_box (4, 4) of its centre, and its sides in metres."""

    name: str
    T_base_box: np.ndarray
    size_m: tuple[float, float, float]


def doubt_of(detection: Any, rules: PickRules, *, age_s: float,
             T_object_ways: Sequence[np.ndarray]) -> str:
    """Return why a vision_msgs/Detection3D is not to be reached for; empty where it may be.

    `age_s`: since the stamp of its cloud; `T_object_ways`: poses (4, 4) of the gripper in the
    object's frame, metres, whose origins must be known well enough.
    """
    return (_kind_doubt(detection, rules) or _age_doubt(age_s, rules)
            or _place_doubt(detection, rules, T_object_ways))


def _kind_doubt(detection: Any, rules: PickRules) -> str:
    best, *others = (result.hypothesis for result in detection.results)
    second_best = max(others, key=lambda other: other.score, default=None)
    if best.class_id == POORLY_CONSTRAINED + rules.label:
        return 'poorly constrained: what would determine its pose is hidden'
    if best.class_id != rules.label:
        return f'not a {rules.label}'
    if not best.score >= rules.min_confidence:              # a number that is none must not pass
        return f'unsure: confidence {best.score:.2f}'
    if second_best and not second_best.score <= rules.max_second_best_share * best.score:
        other = ('at another pose' if second_best.class_id == best.class_id
                 else f'a {second_best.class_id}')
        return f'ambiguous: may be {other}, confidence {second_best.score:.2f}'
    return ''


def _age_doubt(age_s: float, rules: PickRules) -> str:
    if age_s < 0.0:
        return f'stamped {-age_s:.2f} s in the future: the clocks differ'
    return '' if age_s <= rules.max_age_s else f'stale: {age_s:.2f} s old'


def _place_doubt(detection: Any, rules: PickRules, T_object_ways: Sequence[np.ndarray]) -> str:
    sigma_m = max(sigma_of(detection, T) for T in T_object_ways)
    return '' if sigma_m <= rules.max_sigma_m else f'inexact: sigma {1e3 * sigma_m:.1f} mm'


class RobotFrame:
    """Converts detected poses into the robot's frame.

    Without tf2_ros, only poses that are published in this frame already are accepted.
    """

    def __init__(self, node: Node, base_frame: str) -> None:
        self._base_frame = base_frame
        self._lookup: FrameLookup | None = None
        try:
            self._lookup = FrameLookup(node, base_frame, asked_by='base_frame')
        except MissingDependencyError as error:
            node.get_logger().info(printable(f'without tf: {error}'))

    def T_base_object(self, detection: Any) -> np.ndarray:
        """Return the pose (4, 4), metres; raises CloudError where tf has none at its stamp."""
        return self._moved(matrix_from_pose(detection.results[0].pose.pose), detection.header)

    def obstacle(self, detection: Any) -> 'Obstacle':
        """Return the box of a detection; raises CloudError as `T_base_object`."""
        size = detection.bbox.size
        return Obstacle(
            name=detection.id, size_m=(size.x, size.y, size.z),
            T_base_box=self._moved(matrix_from_pose(detection.bbox.center), detection.header))

    def _moved(self, T_frame_thing: np.ndarray, header: Header) -> np.ndarray:
        if header.frame_id == self._base_frame:
            return T_frame_thing
        if self._lookup is None:
            raise CloudError(f'its pose is in {header.frame_id!r}, and tf2_ros is not installed: '
                             f'start pose_estimator with target_frame:={self._base_frame}')
        return self._lookup.T_target_cloud(header) @ T_frame_thing


def sigma_of(detection: Any, T_object_way: np.ndarray) -> float:
    """Return the standard deviation of where a pose (4, 4) in the object's frame is, metres.

    Infinite where the covariance was left empty, or declared unknown.
    """
    pose = detection.results[0].pose
    if not np.diag(np.reshape(pose.covariance, (6, 6))).min() > 0.0:
        return float('inf')
    arm_m = matrix_from_pose(pose.pose)[:3, :3] @ T_object_way[:3, 3]
    return point_sigma_m(np.reshape(pose.covariance, (6, 6)), arm_m)
