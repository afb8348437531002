"""Objects as they are published: labels, poses and points in the target frame.

Accepted ones have a pose to act on. Poorly constrained ones have a label and a place, but part of
their pose is unknown; they are published for collision avoidance only, and marked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.estimation.types import Hypothesis, LabelHypothesis
    from pointpng_core.pipeline import Detection, FrameResult

POORLY_CONSTRAINED = 'poorly_constrained/'
"""Before the label of an object whose pose must not be acted on, where there is a class name."""
LEAST_SCORE = 1e-9
"""Scores below it are raised to it: no division by zero."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledPose:
    """A label and a pose: `T_frame_object` (4, 4) maps the object's coordinates, metres."""

    label: str
    T_frame_object: np.ndarray
    confidence: float = 1.0
    """Probability that label and pose are right."""

    @property
    def position_m(self) -> list[float]:
        """Return the object's origin [x, y, z] in the published frame."""
        return [float(value) for value in self.T_frame_object[:3, 3]]

    @property
    def quat_xyzw(self) -> list[float]:
        """Return the object's orientation in the published frame."""
        quat_xyzw = Rotation.from_matrix(self.T_frame_object[:3, :3]).as_quat()
        return [float(value) for value in quat_xyzw]


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedPose(LabelledPose):
    """The pose of one object that has a frame of its own."""

    child_frame: str


@dataclass(frozen=True, kw_only=True, eq=False)
class PosedObject(NamedPose):
    """An object; costly properties are computed when first asked for, and kept."""

    detection: 'Detection'
    """What the core found, in the cloud's frame."""
    T_frame_cloud: np.ndarray | None = None
    """(4, 4) of the cloud's frame in the published one; None where they are the same."""
    well_constrained: bool = True
    """Whether the points determine the pose, which may be acted on only then."""

    @property
    def class_id(self) -> str:
        """Return the label, marked where the pose is poorly constrained."""
        return self.label if self.well_constrained else POORLY_CONSTRAINED + self.label

    @property
    def ambiguous(self) -> bool:
        """Return whether a clearly different pose explains the points about as well."""
        return bool(self.detection.estimate.ambiguous)

    @property
    def symmetric(self) -> bool:
        """Return whether symmetries of the object make other poses equivalent to this one."""
        return bool(self.detection.estimate.symmetric)

    @cached_property
    def points(self) -> np.ndarray:
        """Return the segment's points (N, 3) in the published frame, metres."""
        return moved_points(self.detection.segment.points, self.T_frame_cloud)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Return the pose's covariance (6, 6) as in PoseWithCovariance, in the published frame."""
        return np.asarray(self.detection.covariance(self.T_frame_cloud))

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Return centre and size (3,), metres, of the object's box along its own axes.

        That of a poorly constrained object holds every pose that it may have.
        """
        centre_m, size_m = self.detection.box
        return centre_m, size_m

    @cached_property
    def others(self) -> list[LabelledPose]:
        """Return other poses and labels that explain the points, most likely first.

        None are told of a poorly constrained object: there is no end of its poses.
        """
        if not self.well_constrained:
            return []
        estimate = self.detection.estimate
        per_score = self.confidence / max(estimate.score, LEAST_SCORE)
        poses = [self._other(self.label, other, per_score * other.score)
                 for other in self.detection.other_poses]
        labels = [self._other(other.name, other, other.confidence)
                  for other in estimate.other_labels]
        return sorted(poses + labels, key=lambda other: -other.confidence)

    def _other(self, label: str, other: 'Hypothesis | LabelHypothesis',
               confidence: float) -> LabelledPose:
        return LabelledPose(
            label=label, confidence=min(1.0, float(confidence)),
            T_frame_object=moved_pose(other.T_observation_reference, self.T_frame_cloud))


def objects_of(result: 'FrameResult', T_frame_cloud: np.ndarray | None = None
               ) -> list[PosedObject]:
    """Return the detections of a frame as objects, in the frame `T_frame_cloud` leads to."""
    return [_object_of(found, T_frame_cloud, well_constrained=True) for found in result.detections]


def poorly_constrained_objects_of(result: 'FrameResult', T_frame_cloud: np.ndarray | None = None
                                  ) -> list[PosedObject]:
    """Return the objects of a frame whose pose the points do not determine, in the same frame."""
    return [_object_of(found, T_frame_cloud, well_constrained=False)
            for found in result.poorly_constrained]


def _object_of(found: 'Detection', T_frame_cloud: np.ndarray | None, *, well_constrained: bool
               ) -> PosedObject:
    return PosedObject(
        label=found.label, child_frame=found.child_frame,
        T_frame_object=moved_pose(found.estimate.T_observation_reference, T_frame_cloud),
        confidence=float(found.estimate.confidence), detection=found,
        T_frame_cloud=T_frame_cloud, well_constrained=well_constrained)


def unposed_points(result: 'FrameResult', T_frame_cloud: np.ndarray | None = None
                   ) -> list[np.ndarray]:
    """Return the points (N, 3) of each segment, or what is left of it, that got no pose."""
    posed: Sequence[np.ndarray] = [found.segment.indices for found in result.detections]
    taken = np.concatenate(posed) if posed else np.empty(0, np.int64)
    free = [segment.points[~np.isin(segment.indices, taken)] for segment in result.scene.segments]
    return [moved_points(points, T_frame_cloud) for points in free if len(points)]


def refused_segments(entries: Sequence[dict[str, Any]], T_frame_cloud: np.ndarray | None
                     ) -> list[dict[str, Any]]:
    """Return each `Rejection.entry` in the published frame."""
    return [{**entry, 'centre_m': moved_points(np.array([entry['centre_m']]), T_frame_cloud
                                               )[0].tolist()} for entry in entries]


def moved_pose(T_cloud_object: np.ndarray, T_frame_cloud: np.ndarray | None) -> np.ndarray:
    """Return a pose (4, 4) in the published frame."""
    return T_cloud_object if T_frame_cloud is None else T_frame_cloud @ T_cloud_object


def moved_points(points: np.ndarray, T_frame_cloud: np.ndarray | None) -> np.ndarray:
    """Return points (N, 3) in the published frame."""
    if T_frame_cloud is None:
        return points
    return points @ T_frame_cloud[:3, :3].T + T_frame_cloud[:3, 3]
