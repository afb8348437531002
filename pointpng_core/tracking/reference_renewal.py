"""Renewal of references: the objects of one frame are the references of the next.

Every object has a temporary reference of its own, made from its segment, and is number 0 of its
label. The reference lies at the centroid of the segment with the axes of the camera. Objects are
tracked as in every other mode, so that their names stay the same.
"""

from collections.abc import Callable, Sequence
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.clouds import random_points
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.association import associate
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.track import Track
from pointpng_core.tracking.tracks import Tracks

MakeReference = Callable[[NDArray[np.floating], str], Reference]
RENEWAL_POINTS = 2000
"""Most points of a temporary reference: its cost grows with them, and it serves for one frame."""
TAKEN_SHARE = 0.5
"""A segment with a larger share of its points in posed segments belongs to those objects."""


class ReferenceRenewal:
    """Renews references and tracks after a frame; `make_reference` gets points and a name."""

    def __init__(self, make_reference: MakeReference, tracks: Tracks, config: TrackingConfig
                 ) -> None:
        self._make_reference, self._tracks, self._config = make_reference, tracks, config

    def renewed(self, references: Sequence[Reference], posed: dict[str, Segment],
                segments: Sequence[Segment]) -> list[Reference]:
        """Return the references of the next frame, and give the tracks these references.

        `posed` are the segments of the objects that were posed, by label. Any other segment at the
        expected place of an unposed object is taken for this object, or else for a new one. An
        object without a segment keeps its last reference while it is tracked.
        """
        free = [segment for segment in segments if not _taken(segment, list(posed.values()))]
        absent = [track for track in self._tracks if track.label not in posed]
        owners = associate(free, absent, association_gate=self._config.association_gate)
        visible = posed | {track.label: segment for segment, track in zip(free, owners) if track}
        kept = {track.label: track.reference for track in absent if track.label not in visible}
        new = [segment for segment, track in zip(free, owners) if track is None]
        names = _free_names({*visible, *kept, *(reference.name for reference in references)},
                            len(new))
        renewed = {label: self._renewed(label, segment)
                   for label, segment in (visible | dict(zip(names, new))).items()}
        return [*renewed.values(), *kept.values()]

    def _renewed(self, label: str, segment: Segment) -> Reference:
        """Return the temporary reference of a segment, and give it to the track of the label."""
        points = random_points(segment.points, min(RENEWAL_POINTS, len(segment.points)))
        reference = self._make_reference(points, label)
        T_camera_reference = np.eye(4)
        T_camera_reference[:3, 3] = points.mean(axis=0, dtype=np.float64)
        track = next((track for track in self._tracks if track.label == label), None)
        if track is None:
            self._tracks.append(Track(
                reference=reference, index=0, T_expected=T_camera_reference, mean_score=0.0,
                estimate=_exact_estimate(label, T_camera_reference), frames_since_search=0))
        else:
            self._tracks.replace(track.with_renewed_reference(reference, T_camera_reference))
        return reference


def _exact_estimate(label: str, T_camera_reference: NDArray[np.float64]) -> PoseEstimate:
    """Return the pose of a temporary reference in the very frame it was made from."""
    return PoseEstimate(T_observation_reference=T_camera_reference, score=1.0, residual_m=0.0,
                        inlier_share=1.0, confidence=1.0, name=label, ambiguous=False)


def _taken(segment: Segment, takers: Sequence[Segment]) -> bool:
    return any(np.isin(segment.indices, taker.indices, assume_unique=True).mean() > TAKEN_SHARE
               for taker in takers)


def _free_names(used: set[str], number: int) -> list[str]:
    """Return that many of object_0, object_1, ... that are not in use."""
    names = (f'object_{index}' for index in count())
    return list(islice((name for name in names if name not in used), number))
