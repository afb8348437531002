"""What one frame says about one object: a segment, the track it belongs to, and its pose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.track import Track


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """A segment of the current frame, or several merged ones, and its state of processing."""

    segment: Segment
    track: Track | None = None
    """The track that the segment was associated with."""
    estimate: PoseEstimate | None = None
    tracked: bool = False
    """Whether the estimate comes from the track's previous pose rather than from a search."""
    searched: bool = False
    """Whether a global search is due, or was done."""

    @property
    def posed(self) -> PoseEstimate:
        """Return the estimate of a measurement that has one."""
        assert self.estimate, 'only measurements with a pose are accepted'
        return self.estimate

    @property
    def score(self) -> float:
        """Return the score of the pose; 0 without one."""
        return self.estimate.score if self.estimate else 0.0

    @property
    def explained_points(self) -> float:
        """Return how many points the pose explains: its score times the size of the segment."""
        return self.score * len(self.segment.points)


def posed_centre(estimate: PoseEstimate, reference: Reference) -> NDArray[np.float64]:
    """Return the centre (3,) of a posed reference in the camera's frame, metres."""
    return estimate.T_observation_reference[:3] @ np.append(reference.centre, 1.0)
