"""One frame's part of tracking: follow what was there, settle what was searched, number all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.clouds import random_points
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.segmentation.unions import union
from pointpng_core.tracking.association import match, sampled, surface_share
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.ego_motion import common_motion
from pointpng_core.tracking.pose_selection import (
    doubted,
    kept,
    nearest_as_good,
    refined,
    with_alternatives,
)
from pointpng_core.tracking.solution_remapping import remap_solution
from pointpng_core.tracking.tracks import ObjectTracks, Track

HELD_BY = 256
"""Points that tell which directions of a pose are held."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """A segment, or several joined ones, and what is known of it so far."""

    segment: Segment
    thing: Track | None = None
    """The object of earlier frames that it shows."""
    estimate: PoseEstimate | None = None
    tracked: bool = False
    """Whether the estimate comes from the previous pose rather than from a search."""
    searched: bool = False
    """Whether a global search is due, or was done."""


class FrameTracker:
    """Follows objects through one frame of a sequence; what lasts is in the tracks."""

    def __init__(self, *, estimator: PoseEstimator, config: TrackingConfig, tracks: ObjectTracks
                 ) -> None:
        self._estimator, self._config, self._tracks = estimator, config, tracks

    def follow(self, segments: Sequence[Segment], scene_points: NDArray[np.floating],
               stamp_s: float | None) -> list[Measurement]:
        """Begin a frame: return every segment, those of known objects tracked from there.

        What needs a global search is marked `searched`: new, lost, or due for a check.
        """
        if not self._config.enabled:
            self._tracks.clear()
        self._tracks.begin(stamp_s, self._config)
        owners = match(segments, self._tracks.objects, association_gate=self._config.association_gate)
        measurements = [Measurement(segment=segment, thing=thing)
                     for segment, thing in zip(segments, owners)]
        measurements = self._joined(self._track(measurements, scene_points), scene_points)
        self._learn_camera(measurements)
        return [replace(self._steadied(measurement), searched=self._due(measurement))
                for measurement in measurements]

    def settle(self, measurement: Measurement, found: list[PoseEstimate]) -> Measurement:
        """Return the sighting with what a search found: the previous pose unless that is better.

        An object that is something else now is dropped.
        """
        thing, hysteresis_ratio = measurement.thing, self._config.hysteresis_ratio
        if thing is None:
            return replace(measurement, estimate=found[0] if found else None)
        if measurement.tracked and measurement.estimate:
            same = kept(measurement.estimate, found, hysteresis_ratio=hysteresis_ratio)
            if same is None and (better := refined(measurement.estimate, found, thing.reference)):
                same = self._steadied(replace(measurement, estimate=better)).estimate
            thing.doubts = 0 if same else thing.doubts + 1
            if thing.doubts < self._config.confirmation_count:
                return replace(measurement, estimate=same or doubted(measurement.estimate, found))
        nearest = nearest_as_good(found, thing.reference, thing.T_expected, hysteresis_ratio=hysteresis_ratio) \
            if found else None
        if found and nearest is None:
            self._tracks.drop(thing)
            return replace(measurement, thing=None, estimate=found[0], tracked=False)
        return replace(measurement, estimate=nearest, tracked=False)

    def merge(self, parts: Sequence[Measurement], segment: Segment, found: list[PoseEstimate]
              ) -> Measurement:
        """Return one sighting for parts that are one object; it goes on as the largest of them."""
        things = [part.thing for part in sorted(parts, key=lambda part: -len(part.segment.points))
                  if part.thing]
        same = [thing for thing in things if found and thing.label == found[0].name]
        for thing in things:
            if thing not in same[:1]:
                self._tracks.drop(thing)
        return self.settle(Measurement(segment=segment, thing=same[0] if same else None,
                                    searched=True), found)

    def finish(self, accepted: Sequence[Measurement], references: Sequence[Reference]
               ) -> list[Track]:
        """End the frame: return the object of each sighting, a new one where it has none."""
        things = [measurement.thing for measurement in accepted]
        seen = [thing for thing in things if thing]
        fresh = [index for index, thing in enumerate(things) if thing is None]
        for reference in references:
            rows = [row for row in fresh if _label(accepted[row]) == reference.name]
            again = self._tracks.returning(
                reference.name, [_middle(_pose(accepted[row]), reference) for row in rows], seen)
            for position, row in enumerate(rows):
                things[row] = again.get(position)
        for measurement, thing in zip(accepted, things):
            if thing:
                self._see(thing, measurement)
        by_name = {reference.name: reference for reference in references}
        known = [thing or self._tracks.add(_pose(measurement), by_name[_label(measurement)],
                                           check_every=self._config.check_every)
                 for measurement, thing in zip(accepted, things)]
        self._tracks.end(known, self._config)
        return known

    def _see(self, thing: Track, measurement: Measurement) -> None:
        pose, tracks = _pose(measurement), self._tracks
        if measurement.tracked:
            thing.moved(pose.T_observation_reference, tracks.T_common, time=tracks.time,
                        share=self._config.motion)
        thing.see(pose, searched=measurement.searched)

    def _track(self, measurements: Sequence[Measurement], scene_points: NDArray[np.floating]
               ) -> list[Measurement]:
        """Return the sightings with the poses of those that show a known object."""
        mine = [(index, measurement.thing) for index, measurement in enumerate(measurements)
                if measurement.thing]
        found = self._estimator.track_batch(
            [measurements[index].segment.points for index, _ in mine],
            [thing.reference for _, thing in mine], [thing.T_expected for _, thing in mine],
            scene_points=scene_points, viewpoint='sensor') if mine else []
        results = list(measurements)
        for (index, thing), estimate in zip(mine, found):
            if estimate:
                known = thing.estimate.carried(estimate.T_observation_reference)
                results[index] = replace(measurements[index], tracked=True,
                                         estimate=with_alternatives(estimate, known))
        return results

    def _joined(self, measurements: Sequence[Measurement], scene_points: NDArray[np.floating]
                ) -> list[Measurement]:
        """Return the sightings after segments that lie on a tracked object have become part of it.

        Segmentation takes an object apart in one frame and not in the next; where the object is
        tells which parts are its own. They are joined where that explains more points.
        """
        parts: dict[int, list[int]] = {}
        tracked = [index for index, measurement in enumerate(measurements) if measurement.tracked]
        for index, measurement in enumerate(measurements):
            if measurement.thing is None:
                points = sampled(measurement.segment)
                owner = next((other for other in tracked if self._lies_on(
                    points, measurements[other])), None)
                if owner is not None:
                    parts.setdefault(owner, []).append(index)
        owners = list(parts)
        whole = self._track([replace(measurements[owner], tracked=False, segment=union(
            [measurements[index].segment for index in (owner, *parts[owner])]))
            for owner in owners], scene_points)
        better = {owner: measurement for owner, measurement in zip(owners, whole)
                  if measurement.tracked and _explained(measurement) > _explained(measurements[owner])}
        used = {index for owner in better for index in parts[owner]}
        return [better.get(index, measurement) for index, measurement in enumerate(measurements)
                if index not in used]

    def _learn_camera(self, measurements: Sequence[Measurement]) -> None:
        """Tell from the objects that were tracked how all moved together since the last frame."""
        both = [(_middle(measurement.thing.estimate, measurement.thing.reference),
                 _middle(_pose(measurement), measurement.thing.reference))
                for measurement in measurements if measurement.tracked and measurement.thing
                and measurement.thing.missed == 0]
        T_common = common_motion([before for before, _ in both], [after for _, after in both])
        if T_common is not None:
            self._tracks.T_common = T_common

    def _steadied(self, measurement: Measurement) -> Measurement:
        """Return the sighting with its pose held where nothing that is seen does."""
        thing, estimate = measurement.thing, measurement.estimate
        if thing is None or estimate is None:
            return measurement
        T_expected = thing.T_expected
        if thing.missed == 0:
            T_expected = thing.advanced(thing.estimate.T_observation_reference,
                                        self._tracks.T_common, self._tracks.time)
        points = random_points(measurement.segment.points,
                               min(HELD_BY, len(measurement.segment.points)))
        T = remap_solution(estimate.T_observation_reference, T_expected, points, thing.reference,
                     degeneracy_threshold=self._config.degeneracy_threshold)
        return replace(measurement, estimate=replace(estimate, T_observation_reference=T))

    def _lies_on(self, points: NDArray[np.floating], measurement: Measurement) -> bool:
        return measurement.thing is not None and surface_share(
            points, _pose(measurement).T_observation_reference, measurement.thing.reference
        ) >= self._config.join_share

    def _due(self, measurement: Measurement) -> bool:
        """Tell whether a sighting needs a global search."""
        thing, estimate, config = measurement.thing, measurement.estimate, self._config
        if thing is None or estimate is None:
            return True
        checked = config.check_every and thing.unsearched >= config.check_every
        return bool(checked or thing.doubts) \
            or estimate.score < config.score_drop_ratio * thing.usual_score


def _pose(measurement: Measurement) -> PoseEstimate:
    assert measurement.estimate, 'only posed sightings are accepted'
    return measurement.estimate


def _label(measurement: Measurement) -> str:
    return _pose(measurement).name


def _middle(estimate: PoseEstimate, reference: Reference) -> NDArray[np.float64]:
    """Return the centre (3,) of a posed reference in the camera's frame."""
    return estimate.T_observation_reference[:3] @ np.append(reference.centre, 1.0)


def _explained(measurement: Measurement) -> float:
    """Return how many points a pose explains."""
    return _pose(measurement).score * len(measurement.segment.points)
