"""The answer of the estimator."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Hypothesis:
    """One pose that could explain an observation."""

    T_observation_reference: NDArray[np.float64]
    """(4, 4) maps the reference's coordinates into the observation's frame; metres."""
    score: float
    """In [0, 1]: inlier share times the share of the expected surface that was found."""
    residual_m: float
    """Mean distance of the observation's points to the surface, truncated."""
    inlier_share: float
    """Of the observation's points within the tolerance of the surface."""
    coverage: float = 0.0
    """Of the surface that should have been measured and was found."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PoseEstimate(Hypothesis):
    """The best pose of one reference in one observation."""

    name: str
    """The reference's name."""
    confidence: float = 0.0
    """Calibrated probability that the pose is right, up to the symmetry of the reference, and that
    the object is this reference: see `pointpng_core.calibration`."""
    ambiguous: bool
    """Whether a clearly different pose, no symmetric equal, explains the observation as well."""
    symmetric: bool = False
    """Whether the reference's symmetry makes several poses equal, of which this is one."""
    single_view: bool = True
    """Whether the observation was taken for one view of the object, or for its whole surface."""
    traits: NDArray[np.float64] | None = None
    """What the confidence was told from: (len(TRAITS),), in the order of `calibration.TRAITS`."""
    runners_up: tuple[Hypothesis, ...] = ()
    """Other poses, best first."""
    stage_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds by stage, of the whole batch the estimate was computed in."""
