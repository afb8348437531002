"""Results of the estimator: poses, their scores and confidence, and the alternatives."""

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.observation_kind import ObservationKind


@dataclass(frozen=True, kw_only=True, eq=False)
class Hypothesis:
    """One pose that could explain an observation."""

    T_observation_reference: NDArray[np.float64]
    """(4, 4) maps the reference's coordinates into the observation's frame; metres."""
    score: float
    """Score in [0, 1]: inlier share x coverage x likelihood ratio to the best pose."""
    residual_m: float
    """Mean truncated distance of the observation's points from the surface, metres."""
    inlier_share: float
    """Share of the observation's points within the tolerance of the surface."""
    coverage: float = 0.0
    """Share of the surface expected to be visible that was measured."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelHypothesis:
    """Another reference that the same points could be, at its best pose."""

    name: str
    """The reference's name."""
    T_observation_reference: NDArray[np.float64]
    """(4, 4) maps the reference's coordinates into the observation's frame; metres."""
    confidence: float
    """Calibrated probability that the points are this reference at this pose."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PoseEstimate(Hypothesis):
    """The best pose of one reference in one observation."""

    name: str
    """The reference's name."""
    confidence: float = 0.0
    """Calibrated probability that the pose is right, up to the symmetry of the reference, and that
    the object is this reference: see `pointpng_core.estimation.confidence`."""
    ambiguous: bool
    """Whether a clearly different pose, not equivalent by symmetry, explains the observation as
    well."""
    symmetric: bool = False
    """Whether the reference's symmetry makes other poses equivalent to this one."""
    kind: ObservationKind = ObservationKind.SINGLE_VIEW
    """As what the observation was registered."""
    features: NDArray[np.float64] | None = None
    """(len(FEATURES),) inputs of the confidence, ordered as
    `pointpng_core.estimation.confidence.FEATURES`."""
    pixel_features: NDArray[np.float64] | None = None
    """(len(PIXEL_FEATURES),) further inputs, where the pixels of a depth image were judged, in the
    order of `pointpng_core.estimation.confidence.PIXEL_FEATURES`."""
    runners_up: tuple[Hypothesis, ...] = ()
    """Other poses of the same reference, best first."""
    other_labels: tuple[LabelHypothesis, ...] = ()
    """Other references that were considered for the same points, best first."""
    stage_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds by stage, of the entire batch in which the estimate was computed."""

    def carried(self, T_observation_reference: NDArray[np.float64]) -> 'PoseEstimate':
        """Return the estimate moved to a later pose (4, 4), its other poses by the same motion."""
        T_later_now = T_observation_reference @ np.linalg.inv(self.T_observation_reference)
        return replace(
            self, T_observation_reference=T_observation_reference,
            runners_up=tuple(_moved(T_later_now, other) for other in self.runners_up),
            other_labels=tuple(_moved(T_later_now, other) for other in self.other_labels))


Posed = TypeVar('Posed', Hypothesis, LabelHypothesis)


def _moved(T_later_now: NDArray[np.float64], posed: Posed) -> Posed:
    return replace(posed, T_observation_reference=T_later_now @ posed.T_observation_reference)
