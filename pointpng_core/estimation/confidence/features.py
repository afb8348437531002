"""The features of an estimate: a few numbers of which a larger one is always better."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURES = ('score', 'coverage', 'precision', 'size', 'margin', 'lead', 'points')
"""The order of the features; each lies in [0, 1], and none makes a pose less likely by growing."""
PIXEL_FEATURES = ('found', 'agreement', 'closeness', 'pixels', 'outline', 'drop', 'pixel_margin',
                  'pixel_lead')
"""Further ones where there is a depth image of the whole frame; as the others, see
`estimation.pixels.features`."""
FRAME_FEATURES = FEATURES + PIXEL_FEATURES
MOST_NOISES = 3.0
"""Mean distance to the surface, in expected errors, that noise alone does not cause."""
LARGEST_SCALE_RESIDUAL = 0.1
"""Scale residual that no right reference has."""
LARGEST_MARGIN = 0.5
"""Lead on other poses, as a share of the score, beyond which a greater one does not count."""
FEWEST_POINTS, MOST_POINTS = 32, 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class EvidenceSummary:
    """E estimates, each beside the second-best pose and object: one array (E,) per field."""

    score: NDArray[np.float64]
    """The score in [0, 1] by which estimates are ranked."""
    coverage: NDArray[np.float64]
    """Share of the surface expected to be visible that was measured."""
    residual: NDArray[np.float64]
    """Mean distance of the points to the surface, in diameters."""
    noise: NDArray[np.float64]
    """Expected error of a measured point, in diameters."""
    scale_residual: NDArray[np.float64]
    """Change of the reference's size that would fit best, as a share of its size."""
    second_best_pose: NDArray[np.float64]
    """Best score of a clearly different pose of the same reference, 0 where there is none."""
    second_best_object: NDArray[np.float64]
    """Best score of any other reference, 0 where there is none."""
    points: NDArray[np.float64]
    """Number of observed points."""


def features_of(summary: EvidenceSummary) -> NDArray[np.float64]:
    """Return the features (E, len(FEATURES)) in [0, 1]; values that are not finite become 0."""
    s = summary
    points = np.log(np.maximum(s.points, 1.0) / FEWEST_POINTS)
    columns = (s.score, s.coverage, 1.0 - s.residual / np.maximum(MOST_NOISES * s.noise, 1e-9),
               1.0 - np.abs(s.scale_residual) / LARGEST_SCALE_RESIDUAL,
               _margin(s.score, s.second_best_pose),
               lead(s.score, s.second_best_object),
               points / np.log(MOST_POINTS / FEWEST_POINTS))
    return np.clip(np.nan_to_num(np.stack(columns, axis=1), nan=0.0, posinf=0.0, neginf=0.0),
                   0.0, 1.0)


def lead(score: NDArray[np.float64], best_other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the feature of that name (E,), not clipped, from scores (E,) of references."""
    return 0.5 + 0.5 * _margin(score, best_other)


def _margin(score: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far a score is above another one, 1 for LARGEST_MARGIN; below it, negative."""
    return (1.0 - other / np.maximum(score, 1e-6)) / LARGEST_MARGIN
