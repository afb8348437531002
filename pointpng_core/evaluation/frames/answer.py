"""What a method says about a frame, in the terms of the judge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.evaluation.frames.truth import Rows

ACCEPTED = 'accepted'
LOW_CONFIDENCE = 'low_confidence'
POORLY_CONSTRAINED = 'poorly_constrained'


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """The best pose of one segment, accepted or not."""

    label: str
    T_camera_object: NDArray[np.float64]
    confidence: float
    outcome: str
    """ACCEPTED, or why it was not: LOW_CONFIDENCE, POORLY_CONSTRAINED."""
    rows: Rows
    """Rows of the segment in the frame's cloud, ascending."""

    @property
    def accepted(self) -> bool:
        """Return whether the pose would be published."""
        return self.outcome == ACCEPTED


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """All poses of a frame, and the milliseconds by stage, `total` included."""

    predictions: tuple[Prediction, ...]
    stage_ms: dict[str, float]
    other_segments: tuple[Rows, ...] = ()
    """Segments without a pose of their own: merged with others, too small to be among those that
    are posed, or posed in vain."""
