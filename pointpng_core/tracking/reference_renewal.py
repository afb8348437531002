"""The objects of one frame as the references of the next: names stay with the objects.

An object is its own reference, number 0 of its label. It is followed by where it is, like any
other: its look lies at the centroid of its points, with the axes of the camera.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.clouds import random_points
from pointpng_core.geometry.rigid_motion import Motion
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.association import match
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.tracks import ObjectTracks, Track

MakeReference = Callable[[NDArray[np.floating], str], Reference]
RENEWAL_POINTS = 2000
"""Of an object at most: what a look costs grows with them, and it serves for one frame."""
MOSTLY = 0.5
"""A segment with a larger share of its points taken belongs to what took them."""


class ReferenceRenewal:
    """Renews the references and the tracks after a frame; `make_reference` gets points and a name."""

    def __init__(self, make_reference: MakeReference, tracks: ObjectTracks, config: TrackingConfig) -> None:
        self._make_reference, self._tracks, self._config = make_reference, tracks, config

    def renewed(self, references: Sequence[Reference], posed: dict[str, Segment],
                segments: Sequence[Segment]) -> list[Reference]:
        """Return the references of the next frame, and move the tracks on to them.

        `posed` are the segments of the objects that were posed, by label. Of all other segments,
        those where an unposed object is expected become its look, and the rest new objects. An
        object that shows nothing keeps its last look while it is followed.
        """
        free = [segment for segment in segments if not _taken(segment, list(posed.values()))]
        absent = [thing for thing in self._tracks.objects if thing.label not in posed]
        owners = match(free, absent, association_gate=self._config.association_gate)
        shown = posed | {thing.label: segment for segment, thing in zip(free, owners) if thing}
        kept = {thing.label: thing.reference for thing in absent if thing.label not in shown}
        fresh = [segment for segment, thing in zip(free, owners) if thing is None]
        names = _free_names({*shown, *kept, *(reference.name for reference in references)},
                            len(fresh))
        looks = {label: self._looked(label, segment)
                 for label, segment in (shown | dict(zip(names, fresh))).items()}
        return [*looks.values(), *kept.values()]

    def _looked(self, label: str, segment: Segment) -> Reference:
        """Return the look of a segment, with the object of that label moved on to it."""
        points = random_points(segment.points, min(RENEWAL_POINTS, len(segment.points)))
        look = self._make_reference(points, label)
        T_camera_look = np.eye(4)
        T_camera_look[:3, 3] = points.mean(axis=0, dtype=np.float64)
        thing = next((other for other in self._tracks.objects if other.label == label), None)
        if thing is None:
            self._tracks.objects.append(Track(
                reference=look, index=0, estimate=_certain(label, T_camera_look),
                T_expected=T_camera_look, usual_score=0.0, unsearched=0))
        else:
            _move_on(thing, look, T_camera_look)
        return look


def _move_on(thing: Track, look: Reference, T_camera_look: NDArray[np.float64]) -> None:
    """Go on with a new look; the motion so far is told in its axes."""
    R_look_thing = thing.estimate.T_observation_reference[:3, :3]
    thing.motion = Motion(rotation_rad=R_look_thing @ thing.motion.rotation_rad,
                          shift_m=R_look_thing @ thing.motion.shift_m)
    thing.reference, thing.T_expected = look, T_camera_look
    thing.estimate = replace(thing.estimate, T_observation_reference=T_camera_look)


def _certain(label: str, T_camera_look: NDArray[np.float64]) -> PoseEstimate:
    """Return the pose of a look in the very frame it was taken from."""
    return PoseEstimate(T_observation_reference=T_camera_look, score=1.0, residual_m=0.0,
                        inlier_share=1.0, confidence=1.0, name=label, ambiguous=False)


def _taken(segment: Segment, takers: Sequence[Segment]) -> bool:
    return any(np.isin(segment.indices, taker.indices, assume_unique=True).mean() > MOSTLY
               for taker in takers)


def _free_names(used: set[str], number: int) -> list[str]:
    """Return that many of object_0, object_1, ... that are not in use."""
    names = (f'object_{index}' for index in count())
    return list(islice((name for name in names if name not in used), number))
