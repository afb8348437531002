"""The state of one tracked object, and every way in which it changes from frame to frame."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.rigid_motion import STILL, Motion
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
SCORE_SMOOTHING = 0.3
"""Weight of the newest score in the mean score of a track."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """One physical object over the frames of a sequence; every transition returns a new state.

    Poses (4, 4) map the reference's coordinates into the camera's frame.
    """

    reference: Reference
    index: int
    """Number of the object among those of its label; the child frame is LABEL_INDEX."""
    estimate: PoseEstimate
    """The last accepted estimate."""
    T_expected: Matrix
    """Predicted pose in the current frame."""
    mean_score: float
    """Exponentially weighted mean of the scores of the accepted poses."""
    frames_since_search: int
    """Frames since the last global search. It starts at an offset, so that the checks of
    several tracks fall in different frames."""
    doubts: int = 0
    """Consecutive searches that found something clearly better than the tracked pose."""
    motion: Motion = STILL
    """The object's own motion without that of the camera, in its axes and about its centre."""
    age: int = 1
    """Frames in which it was posed."""
    missed: int = 0
    """Frames since it was last posed."""
    well_constrained: bool = True
    """Whether no other pose nearby fits as well; see `tracking.degeneracy.check_observability`."""
    was_well_constrained: bool = False
    """Whether its pose was clearly well constrained at some time and has been tracked since."""

    @classmethod
    def started(cls, estimate: PoseEstimate, reference: Reference, *, index: int,
                frames_since_search: int) -> 'Track':
        """Return the track of an object that has just been found."""
        return cls(reference=reference, index=index, estimate=estimate,
                   T_expected=estimate.T_observation_reference, mean_score=estimate.score,
                   frames_since_search=frames_since_search)

    @property
    def label(self) -> str:
        """Return the reference's name."""
        return self.reference.name

    @property
    def key(self) -> tuple[str, int]:
        """Return (label, index), which is unique among the tracks of a sequence."""
        return self.label, self.index

    @property
    def expected_centre(self) -> Vector:
        """Return the predicted position (3,) of the object's centre in the camera's frame."""
        return self.T_expected[:3] @ np.append(self.reference.centre, 1.0)

    def extrapolated(self, T: Matrix, T_camera_previous: Matrix, time: float) -> Matrix:
        """Return a pose (4, 4) after the motion of the camera, and the own motion for `time`."""
        return T_camera_previous @ T @ self.motion.over(time, self.reference.centre)

    def predicted(self, T_camera_previous: Matrix, time: float) -> 'Track':
        """Return the track with its expected pose moved on to the current frame."""
        return replace(self, T_expected=self.extrapolated(self.T_expected, T_camera_previous,
                                                          time))

    def with_motion_to(self, T: Matrix, T_camera_previous: Matrix, *, time: float,
                       smoothing: float) -> 'Track':
        """Return the track with its motion updated by the step from the last pose to `T` (4, 4).

        The motion is the mean of all steps first, then exponentially weighted by `smoothing`. It
        stays as it is when the object was missed in the last frame.
        """
        if self.missed or time <= 0:
            return self
        T_rest = T_camera_previous @ self.estimate.T_observation_reference
        newest = Motion.of(np.linalg.inv(T_rest) @ T, self.reference.centre, time)
        return replace(self, motion=self.motion.blended(newest, max(smoothing, 1.0 / self.age)))

    def confirmed(self, estimate: PoseEstimate, *, searched: bool) -> 'Track':
        """Return the track with the pose that was accepted in the current frame."""
        mean_score = self.mean_score + SCORE_SMOOTHING * (estimate.score - self.mean_score)
        return replace(self, estimate=estimate, T_expected=estimate.T_observation_reference,
                       mean_score=mean_score, age=self.age + 1, missed=0,
                       frames_since_search=0 if searched else self.frames_since_search + 1)

    def coasted(self) -> 'Track':
        """Return the track after a frame in which the object was not posed."""
        return replace(self, missed=self.missed + 1)

    def doubted(self) -> 'Track':
        """Return the track after a search that found something clearly better."""
        return replace(self, doubts=self.doubts + 1)

    def trusted(self) -> 'Track':
        """Return the track after a search that found nothing clearly better."""
        return replace(self, doubts=0)

    def with_observability(self, *, well_constrained: bool, was_well_constrained: bool
                           ) -> 'Track':
        """Return the track with the outcome of the observability check."""
        return replace(self, well_constrained=well_constrained,
                       was_well_constrained=was_well_constrained)

    def with_reference(self, reference: Reference) -> 'Track':
        """Return the track with another reference of the same object in the same axes."""
        return replace(self, reference=reference)

    def with_renewed_reference(self, reference: Reference, T_camera_reference: Matrix) -> 'Track':
        """Return the track with a reference taken from the current frame, in axes of its own."""
        R_new_old = self.estimate.T_observation_reference[:3, :3]
        motion = Motion(rotation_rad=R_new_old @ self.motion.rotation_rad,
                        shift_m=R_new_old @ self.motion.shift_m)
        estimate = replace(self.estimate, T_observation_reference=T_camera_reference)
        return replace(self, reference=reference, estimate=estimate, motion=motion,
                       T_expected=T_camera_reference)
