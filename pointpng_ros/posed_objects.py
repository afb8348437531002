"""An accepted object as the messages show it, in the frame they are published in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation


@dataclass(frozen=True, kw_only=True)
class PosedObject:
    """Pose and points of one object in the published frame.

    `T_frame_object` (4, 4) maps object coordinates into the published frame; `points` (N, 3) are
    the segment's, in the published frame, metres.
    """

    label: str
    child_frame: str
    T_frame_object: np.ndarray
    points: np.ndarray
    score: float
    ambiguous: bool

    @property
    def position_m(self) -> list[float]:
        """The object's origin [x, y, z] in the published frame."""
        return [float(value) for value in self.T_frame_object[:3, 3]]

    @property
    def quat_xyzw(self) -> list[float]:
        """The object's orientation in the published frame."""
        quat_xyzw = Rotation.from_matrix(self.T_frame_object[:3, :3]).as_quat()
        return [float(value) for value in quat_xyzw]


def objects_of(result: Any, T_frame_cloud: np.ndarray | None = None) -> list[PosedObject]:
    """Turn a FrameResult's detections into objects, moved by `T_frame_cloud` when it is given."""
    return [PosedObject(
        label=detection.label, child_frame=detection.child_frame,
        T_frame_object=_moved_pose(detection.estimate.T_observation_reference, T_frame_cloud),
        points=_moved_points(detection.segment.points, T_frame_cloud),
        score=float(detection.estimate.score), ambiguous=bool(detection.estimate.ambiguous),
    ) for detection in result.detections]


def _moved_pose(T_cloud_object: np.ndarray, T_frame_cloud: np.ndarray | None) -> np.ndarray:
    return T_cloud_object if T_frame_cloud is None else T_frame_cloud @ T_cloud_object


def _moved_points(points: np.ndarray, T_frame_cloud: np.ndarray | None) -> np.ndarray:
    if T_frame_cloud is None:
        return points
    return points @ T_frame_cloud[:3, :3].T + T_frame_cloud[:3, 3]
