"""Tracking in one frame: associate segments with tracks, follow the poses, update the tracks."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.clouds import random_points
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.association import associate, sampled, surface_share
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.degeneracy import remap_solution
from pointpng_core.tracking.ego_motion import camera_motion
from pointpng_core.tracking.measurement import Measurement, posed_centre
from pointpng_core.tracking.pose_selection import (
    contradicted,
    kept,
    nearest_comparable,
    refined,
    with_alternatives,
)
from pointpng_core.tracking.segment_merging import union
from pointpng_core.tracking.track import Track
from pointpng_core.tracking.tracks import Tracks

REMAPPING_POINTS = 256
"""Points of a segment that the degenerate directions of its pose are computed from."""
Search = Callable[[list[Segment]], list[list[PoseEstimate]]]
"""The global search: for each segment it returns the best estimates, best first."""


class FrameTracker:
    """Tracks the objects through one frame; all state between frames is in `tracks`.

    The steps in their order: `predict`, `associate`, `track`, `search`, `merge` for segments of
    one object, `update`.
    """

    def __init__(self, *, estimator: PoseEstimator, config: TrackingConfig, tracks: Tracks
                 ) -> None:
        self._estimator, self._config, self._tracks = estimator, config, tracks

    def predict(self, stamp_s: float | None) -> None:
        """Predict the tracks at the time of the frame, the first step of all."""
        if not self._config.enabled:
            self._tracks.clear()
        self._tracks.begin_frame(stamp_s, self._config)

    def associate(self, segments: Sequence[Segment]) -> list[Measurement]:
        """Return each segment with its track."""
        owners = associate(segments, tuple(self._tracks),
                           association_gate=self._config.association_gate)
        return [Measurement(segment=segment, track=track)
                for segment, track in zip(segments, owners)]

    def track(self, measurements: Sequence[Measurement], scene_points: NDArray[np.floating]
              ) -> list[Measurement]:
        """Return the measurements with the poses of those that belong to a track.

        Segments that lie on a tracked object become part of it. What needs a global search is
        marked `searched`: new or lost objects, and those due for a check.
        """
        tracked = self._with_parts(self._registered(measurements, scene_points), scene_points)
        T_camera_previous = camera_motion(tracked)
        if T_camera_previous is not None:
            self._tracks.set_measured_camera_motion(T_camera_previous)
        return [replace(self._remapped(measurement), searched=self._search_is_due(measurement))
                for measurement in tracked]

    def search(self, measurements: Sequence[Measurement], search: Search) -> list[Measurement]:
        """Return the measurements with the poses of those that need a search, in one batch."""
        due = [index for index, measurement in enumerate(measurements) if measurement.searched]
        found = search([measurements[index].segment for index in due])
        results = list(measurements)
        for index, estimates in zip(due, found):
            results[index] = self._resolved(measurements[index], estimates)
        return results

    def merge(self, parts: Sequence[Measurement], segment: Segment, found: list[PoseEstimate]
              ) -> Measurement:
        """Return one measurement of an object that was segmented into `parts`.

        The track of the largest part with the object's label continues; the others are dropped.
        """
        tracks = [part.track for part in sorted(parts, key=lambda part: -len(part.segment.points))
                  if part.track]
        own = [track for track in tracks if found and track.label == found[0].name][:1]
        for track in tracks:
            if track not in own:
                self._tracks.drop(track)
        return self._resolved(Measurement(
            segment=segment, track=own[0] if own else None, searched=True), found)

    def update(self, accepted: Sequence[Measurement], references: Sequence[Reference]
               ) -> list[Track]:
        """Update the tracks with the accepted measurements; return the track of each.

        A measurement without a track continues one that was lost, or begins a new one.
        """
        by_name = {reference.name: reference for reference in references}
        known = [self._confirmed(track, measurement) if track else None for track, measurement
                 in zip(self._with_reidentified(accepted, references), accepted)]
        tracks = [track or self._tracks.start(
            measurement.posed, by_name[measurement.posed.name],
            check_every=self._config.check_every) for track, measurement in zip(known, accepted)]
        self._tracks.end_frame(tracks, self._config)
        return tracks

    def _registered(self, measurements: Sequence[Measurement], scene_points: NDArray[np.floating]
                    ) -> list[Measurement]:
        """Return the measurements with the poses of those that belong to a track, in one batch."""
        own = [(index, measurement.track) for index, measurement in enumerate(measurements)
               if measurement.track]
        found = self._estimator.track_batch(
            [measurements[index].segment.points for index, _ in own],
            [track.reference for _, track in own], [track.T_expected for _, track in own],
            scene_points=scene_points, viewpoint=Viewpoint.SENSOR, segments=True) if own else []
        results = list(measurements)
        for (index, track), estimate in zip(own, found):
            if estimate:
                known = track.estimate.carried(estimate.T_observation_reference)
                results[index] = replace(measurements[index], tracked=True,
                                         estimate=with_alternatives(estimate, known))
        return results

    def _with_parts(self, measurements: Sequence[Measurement], scene_points: NDArray[np.floating]
                    ) -> list[Measurement]:
        """Return the measurements after merging segments that lie on a tracked object with it.

        Segmentation may split an object in one frame and not in the next; the tracked pose shows
        which parts belong to it. They are merged where that explains more points.
        """
        parts: dict[int, list[int]] = {}
        tracked = [index for index, measurement in enumerate(measurements) if measurement.tracked]
        for index, measurement in enumerate(measurements):
            if measurement.track is None:
                points = sampled(measurement.segment)
                owner = next((other for other in tracked
                              if self._lies_on(points, measurements[other])), None)
                if owner is not None:
                    parts.setdefault(owner, []).append(index)
        merged = self._registered([replace(measurements[owner], tracked=False, segment=union(
            [measurements[index].segment for index in (owner, *parts[owner])]))
            for owner in parts], scene_points)
        better = {owner: whole for owner, whole in zip(parts, merged) if whole.tracked
                  and whole.explained_points > measurements[owner].explained_points}
        used = {index for owner in better for index in parts[owner]}
        return [better.get(index, measurement) for index, measurement in enumerate(measurements)
                if index not in used]

    def _lies_on(self, points: NDArray[np.floating], measurement: Measurement) -> bool:
        return measurement.track is not None and surface_share(
            points, measurement.posed.T_observation_reference, measurement.track.reference
        ) >= self._config.join_share

    def _remapped(self, measurement: Measurement) -> Measurement:
        """Return the measurement with its pose as expected along degenerate directions."""
        track, estimate = measurement.track, measurement.estimate
        if track is None or estimate is None:
            return measurement
        T_expected = track.T_expected
        if track.missed == 0:
            T_expected = track.extrapolated(track.estimate.T_observation_reference,
                                            self._tracks.T_camera_previous, self._tracks.time)
        points = measurement.segment.points
        T = remap_solution(estimate.T_observation_reference, T_expected,
                           random_points(points, min(REMAPPING_POINTS, len(points))),
                           track.reference, degeneracy_threshold=self._config.degeneracy_threshold)
        return replace(measurement, estimate=replace(estimate, T_observation_reference=T))

    def _search_is_due(self, measurement: Measurement) -> bool:
        track, estimate, config = measurement.track, measurement.estimate, self._config
        if track is None or estimate is None:
            return True
        checked = config.check_every and track.frames_since_search >= config.check_every
        return bool(checked or track.doubts) \
            or estimate.score < config.score_drop_ratio * track.mean_score

    def _resolved(self, measurement: Measurement, found: list[PoseEstimate]) -> Measurement:
        """Return the measurement after a search: the tracked pose unless another is better.

        A better pose must be found in several frames before it replaces the tracked one. The track
        is dropped when its object turns out to be another. `found` are the estimates, best first.
        """
        track = measurement.track
        if track is None:
            return replace(measurement, estimate=found[0] if found else None)
        if measurement.tracked:
            own = self._kept(measurement, track, found)
            track = self._tracks.replace(track.trusted() if own else track.doubted())
            measurement = replace(measurement, track=track)
            if track.doubts < self._config.confirmation_count:
                return replace(measurement,
                               estimate=own or contradicted(measurement.posed, found))
        nearest = nearest_comparable(found, track.reference, track.T_expected,
                                     hysteresis_ratio=self._config.hysteresis_ratio)
        if found and nearest is None:
            self._tracks.drop(track)
            return replace(measurement, track=None, estimate=found[0], tracked=False)
        return replace(measurement, estimate=nearest, tracked=False)

    def _kept(self, measurement: Measurement, track: Track, found: list[PoseEstimate]
              ) -> PoseEstimate | None:
        """Return the tracked pose, as it is or refined by a search; None if another is better."""
        own = kept(measurement.posed, found, hysteresis_ratio=self._config.hysteresis_ratio)
        if own is None and (better := refined(measurement.posed, found, track.reference)):
            return self._remapped(replace(measurement, estimate=better)).estimate
        return own

    def _with_reidentified(self, accepted: Sequence[Measurement],
                           references: Sequence[Reference]) -> list[Track | None]:
        """Return the track of each measurement, lost ones of the same label included."""
        tracks = [measurement.track for measurement in accepted]
        posed = [track for track in tracks if track]
        new = [row for row, track in enumerate(tracks) if track is None]
        for reference in references:
            rows = [row for row in new if accepted[row].posed.name == reference.name]
            found = self._tracks.reidentified(
                reference.name, [posed_centre(accepted[row].posed, reference) for row in rows],
                posed)
            for position, row in enumerate(rows):
                tracks[row] = found.get(position)
        return tracks

    def _confirmed(self, track: Track, measurement: Measurement) -> Track:
        tracks, estimate = self._tracks, measurement.posed
        if measurement.tracked:
            track = track.with_motion_to(
                estimate.T_observation_reference, tracks.T_camera_previous, time=tracks.time,
                smoothing=self._config.motion_smoothing)
        return tracks.replace(track.confirmed(estimate, searched=measurement.searched))
