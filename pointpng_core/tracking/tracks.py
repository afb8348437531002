"""The tracks of a sequence and the camera's motion: all that is kept between frames."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.rigid_motion import STILL, Motion
from pointpng_core.reference.reference import Reference
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.track import Track

Matrix = NDArray[np.float64]
ORIGIN = np.zeros(3)
FRAME = 1.0
"""Time between two frames without stamps."""


class Tracks:
    """All tracks of a sequence, in the order in which they began; it may outlive a pipeline.

    Tracks are immutable: `replace` stores the new state of one.
    """

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self.time = FRAME
        """Time since the previous frame: seconds, or frames without stamps."""
        self._T_camera_previous: Matrix = np.eye(4)
        self._stamp_s: float | None = None
        self._serial = count()
        self._frames = 0

    def __iter__(self) -> Iterator[Track]:
        return iter(tuple(self._tracks))

    def __len__(self) -> int:
        return len(self._tracks)

    @property
    def T_camera_previous(self) -> Matrix:
        """Return the camera's motion (4, 4) since the previous frame, predicted or measured.

        It maps the camera coordinates of the previous frame to those of the current one, for what
        is static in the world.
        """
        return self._T_camera_previous

    @property
    def frames(self) -> int:
        """Return the number of frames of the sequence so far, the current one included."""
        return self._frames

    def set_measured_camera_motion(self, T_camera_previous: Matrix) -> None:
        """Replace the camera's motion that `begin_frame` predicted by a measured one (4, 4)."""
        self._T_camera_previous = T_camera_previous

    def clear(self) -> None:
        """Drop all tracks, and forget the time of the last frame and the camera's motion."""
        self._tracks, self._stamp_s, self._serial, self._frames = [], None, count(), 0
        self._T_camera_previous = np.eye(4)

    def begin_frame(self, stamp_s: float | None, config: TrackingConfig) -> None:
        """Predict all tracks at the time of a frame; drop them all after a jump in time."""
        last_s, last_time, self.time = self._stamp_s, self.time, FRAME
        jumped = (stamp_s is None) != (last_s is None)
        if stamp_s is not None and last_s is not None:
            self.time = stamp_s - last_s
            jumped = not 0.0 <= self.time <= config.max_gap_s
        if jumped:
            self.clear()
        self._stamp_s = stamp_s
        self._frames += 1
        camera = Motion.of(self._T_camera_previous, ORIGIN, last_time) if last_time > 0 else STILL
        self._T_camera_previous = camera.over(self.time, ORIGIN)
        self._tracks = [track.predicted(self._T_camera_previous, self.time)
                        for track in self._tracks]

    def end_frame(self, posed: Iterable[Track], config: TrackingConfig) -> None:
        """Let the tracks coast that were not `posed`; drop those missed for too many frames."""
        keys = {track.key for track in posed}
        tracks = [track if track.key in keys else track.coasted() for track in self._tracks]
        self._tracks = [track for track in tracks if track.missed <= config.max_missed]

    def start(self, estimate: PoseEstimate, reference: Reference, *, check_every: int) -> Track:
        """Begin a track of a new object, with the lowest free index of its label."""
        taken = {track.index for track in self._tracks if track.label == reference.name}
        return self.append(Track.started(
            estimate, reference, index=next(index for index in count() if index not in taken),
            frames_since_search=next(self._serial) % max(1, check_every)))

    def append(self, track: Track) -> Track:
        """Add a track whose label and index are not in use, and return it."""
        self._tracks.append(track)
        return track

    def replace(self, track: Track) -> Track:
        """Store the new state of the track with the same label and index, and return it."""
        self._tracks = [track if track.key == other.key else other for other in self._tracks]
        return track

    def drop(self, track: Track) -> None:
        """End the track of an object that turned out to be another, or part of one."""
        self._tracks = [other for other in self._tracks if other.key != track.key]

    def keep_only(self, index: int) -> None:
        """End all tracks with another index."""
        self._tracks = [track for track in self._tracks if track.index == index]

    def keep_labels(self, labels: Iterable[str]) -> None:
        """End all tracks with other labels."""
        kept = set(labels)
        self._tracks = [track for track in self._tracks if track.label in kept]

    def set_references(self, references: Sequence[Reference]) -> None:
        """Continue with other references of the same names; tracks of other names are dropped."""
        by_name = {reference.name: reference for reference in references}
        self._tracks = [track.with_reference(by_name[track.label]) for track in self._tracks
                        if track.label in by_name]

    def reidentified(self, label: str, centres: Sequence[NDArray[np.float64]],
                     posed: Sequence[Track]) -> dict[int, Track]:
        """Return which newly found objects of a label are tracked ones that are not `posed` yet.

        The keys are rows of `centres`, the positions (3,) of the new objects in the camera's
        frame. As many as possible are assigned, at the least total distance.
        """
        keys = {track.key for track in posed}
        absent = [track for track in self._tracks
                  if track.label == label and track.key not in keys]
        if not absent or not centres:
            return {}
        gaps_m = np.linalg.norm(np.stack(centres)[:, None]
                                - np.stack([track.expected_centre for track in absent])[None],
                                axis=-1)
        return {int(row): absent[column] for row, column in zip(*linear_sum_assignment(gaps_m))}
