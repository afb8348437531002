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
    with_rivals,
)
from pointpng_core.tracking.solution_remapping import steadied
from pointpng_core.tracking.tracks import ObjectTracks, TrackedObject

HELD_BY = 256
"""Points that tell which directions of a pose are held."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sighting:
    """A segment, or several joined ones, and what is known of it so far."""

    segment: Segment
    thing: TrackedObject | None = None
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

    def follow(self, segments: Sequence[Segment], surroundings: NDArray[np.floating],
               stamp_s: float | None) -> list[Sighting]:
        """Begin a frame: return every segment, those of known objects tracked from there.

        What needs a global search is marked `searched`: new, lost, or due for a check.
        """
        if not self._config.enabled:
            self._tracks.clear()
        self._tracks.begin(stamp_s, self._config)
        owners = match(segments, self._tracks.objects, gate=self._config.gate)
        sightings = [Sighting(segment=segment, thing=thing)
                     for segment, thing in zip(segments, owners)]
        sightings = self._joined(self._track(sightings, surroundings), surroundings)
        self._learn_camera(sightings)
        return [replace(self._steadied(sighting), searched=self._due(sighting))
                for sighting in sightings]

    def settle(self, sighting: Sighting, found: list[PoseEstimate]) -> Sighting:
        """Return the sighting with what a search found: the previous pose unless that is better.

        An object that is something else now is dropped.
        """
        thing, stay = sighting.thing, self._config.stay
        if thing is None:
            return replace(sighting, estimate=found[0] if found else None)
        if sighting.tracked and sighting.estimate:
            same = kept(sighting.estimate, found, stay=stay)
            if same is None and (better := refined(sighting.estimate, found, thing.reference)):
                same = self._steadied(replace(sighting, estimate=better)).estimate
            thing.doubts = 0 if same else thing.doubts + 1
            if thing.doubts < self._config.patience:
                return replace(sighting, estimate=same or doubted(sighting.estimate, found))
        nearest = nearest_as_good(found, thing.reference, thing.T_expected, stay=stay) \
            if found else None
        if found and nearest is None:
            self._tracks.drop(thing)
            return replace(sighting, thing=None, estimate=found[0], tracked=False)
        return replace(sighting, estimate=nearest, tracked=False)

    def merge(self, parts: Sequence[Sighting], segment: Segment, found: list[PoseEstimate]
              ) -> Sighting:
        """Return one sighting for parts that are one object; it goes on as the largest of them."""
        things = [part.thing for part in sorted(parts, key=lambda part: -len(part.segment.points))
                  if part.thing]
        same = [thing for thing in things if found and thing.label == found[0].name]
        for thing in things:
            if thing not in same[:1]:
                self._tracks.drop(thing)
        return self.settle(Sighting(segment=segment, thing=same[0] if same else None,
                                    searched=True), found)

    def finish(self, accepted: Sequence[Sighting], references: Sequence[Reference]
               ) -> list[TrackedObject]:
        """End the frame: return the object of each sighting, a new one where it has none."""
        things = [sighting.thing for sighting in accepted]
        seen = [thing for thing in things if thing]
        fresh = [index for index, thing in enumerate(things) if thing is None]
        for reference in references:
            rows = [row for row in fresh if _label(accepted[row]) == reference.name]
            again = self._tracks.returning(
                reference.name, [_middle(_pose(accepted[row]), reference) for row in rows], seen)
            for position, row in enumerate(rows):
                things[row] = again.get(position)
        for sighting, thing in zip(accepted, things):
            if thing:
                self._see(thing, sighting)
        by_name = {reference.name: reference for reference in references}
        known = [thing or self._tracks.add(_pose(sighting), by_name[_label(sighting)],
                                           check_every=self._config.check_every)
                 for sighting, thing in zip(accepted, things)]
        self._tracks.end(known, self._config)
        return known

    def _see(self, thing: TrackedObject, sighting: Sighting) -> None:
        pose, tracks = _pose(sighting), self._tracks
        if sighting.tracked:
            thing.moved(pose.T_observation_reference, tracks.T_common, time=tracks.time,
                        share=self._config.motion)
        thing.see(pose, searched=sighting.searched)

    def _track(self, sightings: Sequence[Sighting], surroundings: NDArray[np.floating]
               ) -> list[Sighting]:
        """Return the sightings with the poses of those that show a known object."""
        mine = [(index, sighting.thing) for index, sighting in enumerate(sightings)
                if sighting.thing]
        found = self._estimator.track_batch(
            [sightings[index].segment.points for index, _ in mine],
            [thing.reference for _, thing in mine], [thing.T_expected for _, thing in mine],
            surroundings=surroundings, viewpoint='sensor') if mine else []
        results = list(sightings)
        for (index, thing), estimate in zip(mine, found):
            if estimate:
                known = thing.estimate.carried(estimate.T_observation_reference)
                results[index] = replace(sightings[index], tracked=True,
                                         estimate=with_rivals(estimate, known))
        return results

    def _joined(self, sightings: Sequence[Sighting], surroundings: NDArray[np.floating]
                ) -> list[Sighting]:
        """Return the sightings after segments that lie on a tracked object have become part of it.

        Segmentation takes an object apart in one frame and not in the next; where the object is
        tells which parts are its own. They are joined where that explains more points.
        """
        parts: dict[int, list[int]] = {}
        tracked = [index for index, sighting in enumerate(sightings) if sighting.tracked]
        for index, sighting in enumerate(sightings):
            if sighting.thing is None:
                points = sampled(sighting.segment)
                owner = next((other for other in tracked if self._lies_on(
                    points, sightings[other])), None)
                if owner is not None:
                    parts.setdefault(owner, []).append(index)
        owners = list(parts)
        whole = self._track([replace(sightings[owner], tracked=False, segment=union(
            [sightings[index].segment for index in (owner, *parts[owner])]))
            for owner in owners], surroundings)
        better = {owner: sighting for owner, sighting in zip(owners, whole)
                  if sighting.tracked and _explained(sighting) > _explained(sightings[owner])}
        used = {index for owner in better for index in parts[owner]}
        return [better.get(index, sighting) for index, sighting in enumerate(sightings)
                if index not in used]

    def _learn_camera(self, sightings: Sequence[Sighting]) -> None:
        """Tell from the objects that were tracked how all moved together since the last frame."""
        both = [(_middle(sighting.thing.estimate, sighting.thing.reference),
                 _middle(_pose(sighting), sighting.thing.reference))
                for sighting in sightings if sighting.tracked and sighting.thing
                and sighting.thing.missed == 0]
        T_common = common_motion([before for before, _ in both], [after for _, after in both])
        if T_common is not None:
            self._tracks.T_common = T_common

    def _steadied(self, sighting: Sighting) -> Sighting:
        """Return the sighting with its pose held where nothing that is seen does."""
        thing, estimate = sighting.thing, sighting.estimate
        if thing is None or estimate is None:
            return sighting
        T_expected = thing.T_expected
        if thing.missed == 0:
            T_expected = thing.advanced(thing.estimate.T_observation_reference,
                                        self._tracks.T_common, self._tracks.time)
        points = random_points(sighting.segment.points,
                               min(HELD_BY, len(sighting.segment.points)))
        T = steadied(estimate.T_observation_reference, T_expected, points, thing.reference,
                     weak=self._config.weak)
        return replace(sighting, estimate=replace(estimate, T_observation_reference=T))

    def _lies_on(self, points: NDArray[np.floating], sighting: Sighting) -> bool:
        return sighting.thing is not None and surface_share(
            points, _pose(sighting).T_observation_reference, sighting.thing.reference
        ) >= self._config.join_share

    def _due(self, sighting: Sighting) -> bool:
        """Tell whether a sighting needs a global search."""
        thing, estimate, config = sighting.thing, sighting.estimate, self._config
        if thing is None or estimate is None:
            return True
        checked = config.check_every and thing.unsearched >= config.check_every
        return bool(checked or thing.doubts) \
            or estimate.score < config.fall * thing.usual_score


def _pose(sighting: Sighting) -> PoseEstimate:
    assert sighting.estimate, 'only posed sightings are accepted'
    return sighting.estimate


def _label(sighting: Sighting) -> str:
    return _pose(sighting).name


def _middle(estimate: PoseEstimate, reference: Reference) -> NDArray[np.float64]:
    """Return the centre (3,) of a posed reference in the camera's frame."""
    return estimate.T_observation_reference[:3] @ np.append(reference.centre, 1.0)


def _explained(sighting: Sighting) -> float:
    """Return how many points a pose explains."""
    return _pose(sighting).score * len(sighting.segment.points)
