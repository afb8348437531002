"""The objects of the last frames, each with an index of its own: what is kept between frames."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.rigid_motion import STILL, Motion
from pointpng_core.reference.reference import Reference
from pointpng_core.tracking.config import TrackingConfig

Matrix = NDArray[np.float64]
NEWEST = 0.3
"""Share of the newest score in the usual one."""
ORIGIN = np.zeros(3)
FRAME = 1.0
"""The time between two frames where no stamps tell it."""


@dataclass(kw_only=True, eq=False)
class Track:
    """One physical object. Poses (4, 4) map the reference's coordinates into the camera's."""

    reference: Reference
    index: int
    """Stays the object's own; the child frame is LABEL_INDEX."""
    estimate: PoseEstimate
    """The last one that was accepted."""
    T_expected: Matrix
    """Where it should be in the frame at hand."""
    usual_score: float
    unsearched: int
    """Frames since it was last searched globally, and some at first: objects take turns."""
    doubts: int = 0
    """Searches in a row that found something clearly better than its tracked pose."""
    motion: Motion = STILL
    """Its own, in its own axes and about its centre, beside that of the camera."""
    age: int = 1
    """Frames in which it was seen."""
    missed: int = 0
    """Frames since it was last seen."""
    determined: bool = True
    """Whether its last pose is the only one nearby that fits; see `tracking.determination`."""
    firm: bool = False
    """Whether its pose was held firmly once, and has been followed since."""

    @property
    def label(self) -> str:
        """Return the reference's name."""
        return self.reference.name

    @property
    def middle(self) -> NDArray[np.float64]:
        """Return where its centre (3,) should be, in the camera's frame."""
        return self.T_expected[:3] @ np.append(self.reference.centre, 1.0)

    def advanced(self, T: Matrix, T_common: Matrix, time: float) -> Matrix:
        """Return where a pose (4, 4) leads in some time, moved as all and on its own."""
        return T_common @ T @ self.motion.over(time, self.reference.centre)

    def moved(self, T: Matrix, T_common: Matrix, *, time: float, share: float) -> None:
        """Learn from the way to a new pose (4, 4): the mean first, then `share` of the newest."""
        if self.missed == 0 and time > 0:
            T_rest = T_common @ self.estimate.T_observation_reference
            newest = Motion.of(np.linalg.inv(T_rest) @ T, self.reference.centre, time)
            self.motion = self.motion.blended(newest, max(share, 1.0 / self.age))

    def see(self, estimate: PoseEstimate, *, searched: bool) -> None:
        """Take over what was accepted."""
        self.T_expected, self.estimate = estimate.T_observation_reference, estimate
        self.usual_score += NEWEST * (estimate.score - self.usual_score)
        self.age, self.missed = self.age + 1, 0
        self.unsearched = 0 if searched else self.unsearched + 1


@dataclass(kw_only=True, eq=False)
class ObjectTracks:
    """All objects that are followed; plain state, so that it may outlive a pipeline."""

    objects: list[Track] = field(default_factory=list)
    time: float = FRAME
    """Between the frame at hand and the one before: seconds, or frames without stamps."""
    T_common: Matrix = field(default_factory=lambda: np.eye(4))
    """How all objects together moved since the frame before, because the camera did."""
    _stamp_s: float | None = None
    _serial: 'count[int]' = field(default_factory=count)

    def clear(self) -> None:
        """Forget all objects, and the time of the last frame."""
        self.objects, self._stamp_s, self._serial = [], None, count()
        self.T_common = np.eye(4)

    def begin(self, stamp_s: float | None, config: TrackingConfig) -> None:
        """Begin a frame: forget all after a jump in time, and expect the objects at its time."""
        last_s, last_time, self.time = self._stamp_s, self.time, FRAME
        jumped = (stamp_s is None) != (last_s is None)
        if stamp_s is not None and last_s is not None:
            self.time = stamp_s - last_s
            jumped = not 0.0 <= self.time <= config.max_gap_s
        if jumped:
            self.clear()
        self._stamp_s = stamp_s
        camera = Motion.of(self.T_common, ORIGIN, last_time) if last_time > 0 else STILL
        self.T_common = camera.over(self.time, ORIGIN)
        for thing in self.objects:
            thing.T_expected = thing.advanced(thing.T_expected, self.T_common, self.time)

    def rebind(self, references: Sequence[Reference]) -> None:
        """Go on with other references of the same names; objects of other names are forgotten."""
        by_name = {reference.name: reference for reference in references}
        self.objects = [thing for thing in self.objects if thing.label in by_name]
        for thing in self.objects:
            thing.reference = by_name[thing.label]

    def drop(self, thing: Track) -> None:
        """Forget an object that turned out to be another, or part of one."""
        self.objects = [other for other in self.objects if other is not thing]

    def returning(self, label: str, middles: Sequence[NDArray[np.float64]],
                  seen: Sequence[Track]) -> dict[int, Track]:
        """Return which of newly found objects of a label are ones that were not `seen` now.

        As many as possible, at the least total distance; by the position of their centre (3,).
        """
        absent = [thing for thing in self.objects
                  if thing.label == label and not any(thing is other for other in seen)]
        if not absent or not middles:
            return {}
        gaps_m = np.linalg.norm(np.stack(middles)[:, None]
                                - np.stack([thing.middle for thing in absent])[None], axis=-1)
        return {int(row): absent[column] for row, column in zip(*linear_sum_assignment(gaps_m))}

    def add(self, estimate: PoseEstimate, reference: Reference, *, check_every: int
            ) -> Track:
        """Follow a new object under the lowest index of its label that is free."""
        taken = {thing.index for thing in self.objects if thing.label == reference.name}
        thing = Track(
            reference=reference, estimate=estimate, usual_score=estimate.score,
            T_expected=estimate.T_observation_reference,
            index=next(index for index in count() if index not in taken),
            unsearched=next(self._serial) % max(1, check_every))
        self.objects.append(thing)
        return thing

    def end(self, seen: Sequence[Track], config: TrackingConfig) -> None:
        """End a frame: what was not seen in it is forgotten after a while."""
        for thing in self.objects:
            if not any(thing is other for other in seen):
                thing.missed += 1
        self.objects = [thing for thing in self.objects if thing.missed <= config.max_missed]
