"""The result of one frame: detections with their poses, and the state of every object."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.types import Hypothesis, PoseEstimate
from pointpng_core.estimation.uncertainty.ambiguity import other_poses
from pointpng_core.estimation.uncertainty.covariance import pose_covariance, rotated_covariance
from pointpng_core.estimation.uncertainty.free_motion import swept_box
from pointpng_core.estimation.uncertainty.observability import pose_observability
from pointpng_core.geometry.rigid_motion import inverse
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Scene, Segment
from pointpng_core.tracking.measurement import Measurement
from pointpng_core.tracking.track import Track

TRACKING, POORLY_CONSTRAINED = 'tracking', 'poorly_constrained'
LOST, SEARCHING = 'lost', 'searching'


@dataclass(frozen=True, kw_only=True, eq=False)
class Detection:
    """One object in the frame: its label, its pose and the points that the pose explains."""

    label: str
    """The reference's name."""
    index: int
    """Number of the object among those of its label; it stays the same from frame to frame."""
    estimate: PoseEstimate
    """The pose of the reference in the frame of the cloud, with its confidence."""
    segment: Segment
    """The points that the pose explains, in the frame of the cloud."""
    reference: Reference
    tracked: bool = False
    """Whether the pose comes from the object's previous pose rather than from a search."""
    well_constrained: bool = True
    """Whether the points determine the pose. Where they do not, label and place are known, and
    other poses nearby explain the points as well."""

    @property
    def child_frame(self) -> str:
        """Return the TF frame name of this object: LABEL_INDEX."""
        return f'{self.label}_{self.index}'

    @property
    def other_poses(self) -> list[Hypothesis]:
        """Return the poses, best first, that explain the points as well; empty if unambiguous."""
        return other_poses(self.estimate, self.reference)

    def covariance(self, T_target_cloud: NDArray[np.float64] | None = None
                   ) -> NDArray[np.float64]:
        """Return the pose's covariance (6, 6) along a target frame's axes (None: the cloud's).

        The order is translation in metres, then rotation in radians; see `pose_covariance` in
        `pointpng_core.estimation.uncertainty.covariance`.
        """
        covariance = pose_covariance(
            self.estimate.T_observation_reference, self.segment.points, self.reference,
            unconstrained=() if self.well_constrained else (self._unconstrained_twist,))
        return covariance if T_target_cloud is None \
            else rotated_covariance(covariance, T_target_cloud[:3, :3])

    @property
    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return centre and size (3,), metres, of the object's box along its own axes.

        Where the points do not determine the pose, the box holds every pose that it may have.
        """
        return self.reference.box if self.well_constrained else swept_box(
            self.reference, self._unconstrained_twist)

    @cached_property
    def _unconstrained_twist(self) -> NDArray[np.float64]:
        return pose_observability(self.estimate.T_observation_reference, self.segment.points,
                                  self.reference).twist

    def moved(self, T: NDArray[np.float64]) -> 'Detection':
        """Return the detection with its poses and points moved by T (4, 4)."""
        estimate = self.estimate.carried(T @ self.estimate.T_observation_reference)
        return replace(self, estimate=estimate, segment=self.segment.moved(T))

    @classmethod
    def of(cls, measurement: Measurement, track: Track) -> 'Detection':
        """Return the detection of a measurement that was accepted and added to a track."""
        return cls(label=measurement.posed.name, index=track.index, estimate=measurement.posed,
                   segment=measurement.segment, reference=track.reference,
                   tracked=measurement.tracked, well_constrained=track.well_constrained)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rejection:
    """A segment, perhaps a merged one, without an accepted pose."""

    segment: Segment
    estimate: PoseEstimate | None
    """The best pose, which is not confident enough; None where there is none."""
    reason: str = ''
    """Why the pose is not accepted, in words."""

    def entry(self) -> dict[str, Any]:
        """Return label, confidence and score (None without a pose), points, centre_m, reason."""
        estimate = self.estimate
        return {'label': estimate.name if estimate else None,
                'confidence': float(estimate.confidence) if estimate else None,
                'score': float(estimate.score) if estimate else None,
                'points': len(self.segment.points),
                'centre_m': np.mean(self.segment.points, axis=0, dtype=np.float64).tolist(),
                'reason': self.reason}

    def moved(self, T: NDArray[np.float64]) -> 'Rejection':
        """Return the rejection with its poses and points moved by T (4, 4)."""
        estimate = self.estimate and self.estimate.carried(
            T @ self.estimate.T_observation_reference)
        return replace(self, segment=self.segment.moved(T), estimate=estimate)


@dataclass(frozen=True, kw_only=True)
class ObjectState:
    """The state of a tracked object, or of a reference without any track."""

    label: str
    index: int | None
    """The object's index; None while the reference is searched for."""
    state: str
    """TRACKING: posed in this frame. POORLY_CONSTRAINED: tracked, but the pose is not accepted,
    since the part of the surface that would constrain it is hidden. LOST: posed before, not in
    this frame; the index is kept while it may return. SEARCHING: without any track; every new
    segment is tried."""
    confidence: float = 0.0
    """Confidence of the last accepted pose, in [0, 1]."""
    age: int = 0
    """Frames in which it was posed."""
    missed: int = 0
    """Frames since it was last posed."""

    @property
    def name(self) -> str:
        """Return LABEL_INDEX as in the child frame, or the label alone."""
        return self.label if self.index is None else f'{self.label}_{self.index}'

    @classmethod
    def of(cls, track: Track) -> 'ObjectState':
        """Return the state of a track."""
        visible = TRACKING if track.well_constrained else POORLY_CONSTRAINED
        return cls(label=track.label, index=track.index, state=LOST if track.missed else visible,
                   confidence=track.estimate.confidence, age=track.age, missed=track.missed)


def object_states(tracks: Iterable[Track], references: Sequence[Reference]
                  ) -> tuple[ObjectState, ...]:
    """Return the states of all objects, by index, in the order of their references."""
    states: list[ObjectState] = []
    for reference in references:
        own = [ObjectState.of(track) for track in sorted(tracks, key=lambda track: track.index)
               if track.label == reference.name]
        states += own or [ObjectState(label=reference.name, index=None, state=SEARCHING)]
    return tuple(states)


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameResult:
    """All objects found in one frame, the segmented scene, and the milliseconds per stage.

    Poses, points and planes are in the frame of the cloud.
    """

    detections: tuple[Detection, ...]
    """Accepted poses, best score first."""
    poorly_constrained: tuple[Detection, ...] = ()
    """Tracked objects whose pose is not accepted, because other poses nearby fit as well."""
    rejected: tuple[Rejection, ...] = ()
    """Segments that were posed in vain, best score first."""
    set_aside: tuple[Rejection, ...] = ()
    """Segments whose points a better pose explains, and those beyond `max_objects`."""
    scene: Scene
    """The segmented frame, with all segments."""
    stage_ms: dict[str, float]
    """Milliseconds by stage, `total` included."""
    searched: int = 0
    """Number of segments, merged ones included, for which a global search was done."""
    states: tuple[ObjectState, ...] = ()
    """States of all tracks, and of all references without one."""
    warnings: tuple[str, ...] = ()
    """What is wrong with the cloud: what, which value, what to do."""
    T_cloud_sensor: NDArray[np.float64] | None = None
    """The pose (4, 4) of the sensor's optical frame in the frame of the cloud; None means that
    the cloud is in the optical frame."""

    @property
    def not_accepted(self) -> tuple[Rejection, ...]:
        """Return every segment without an accepted pose: what it was taken for, and why not.

        Poorly constrained objects come first, then `rejected`, then `set_aside`.
        """
        poor = (Rejection(segment=found.segment, estimate=found.estimate,
                          reason='poorly constrained: other poses nearby fit as well')
                for found in self.poorly_constrained)
        return (*poor, *self.rejected, *self.set_aside)

    def in_cloud(self, T_cloud_sensor: NDArray[np.float64] | None) -> 'FrameResult':
        """Return a result in the sensor's frame in that of the cloud, whose sensor's pose is T."""
        if T_cloud_sensor is None:
            return self
        return replace(self._moved(T_cloud_sensor), T_cloud_sensor=T_cloud_sensor)

    def in_sensor_frame(self) -> 'FrameResult':
        """Return the result with everything in the sensor's optical frame."""
        if self.T_cloud_sensor is None:
            return self
        return replace(self._moved(inverse(self.T_cloud_sensor)), T_cloud_sensor=None)

    def _moved(self, T: NDArray[np.float64]) -> 'FrameResult':
        return replace(self, scene=self.scene.moved(T),
                       detections=tuple(found.moved(T) for found in self.detections),
                       rejected=tuple(rejection.moved(T) for rejection in self.rejected),
                       set_aside=tuple(rejection.moved(T) for rejection in self.set_aside),
                       poorly_constrained=tuple(found.moved(T)
                                                for found in self.poorly_constrained))

    def first_of_each_label(self) -> 'FrameResult':
        """Return the result without further objects of a label (index 1 and higher)."""
        return replace(self, detections=_first(self.detections),
                       poorly_constrained=_first(self.poorly_constrained))

    @property
    def tracked(self) -> int:
        """Return how many of the detections were tracked from their previous pose."""
        return sum(detection.tracked for detection in self.detections)


def _first(detections: tuple[Detection, ...]) -> tuple[Detection, ...]:
    return tuple(detection for detection in detections if detection.index == 0)
