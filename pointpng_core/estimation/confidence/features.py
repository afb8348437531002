"""What is known of an estimate, as few numbers of which more is always better."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURES = ('score', 'coverage', 'precision', 'size', 'margin', 'lead', 'points')
"""The order of the traits; each lies in [0, 1], and none speaks against a pose by growing."""
MOST_NOISES = 3.0
"""Times the expected error: a mean distance to the surface that noise alone does not make."""
LARGEST_SCALE_RESIDUAL = 0.1
"""Difference in size that no right reference has."""
LARGEST_MARGIN = 0.5
"""Share of the score by which a pose leads its rivals beyond which a greater one tells no more."""
FEWEST_POINTS, MOST_POINTS = 32, 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class Situation:
    """E estimates, each beside its rivals: one array (E,) per field."""

    score: NDArray[np.float64]
    """In [0, 1], what the estimates are ranked by."""
    coverage: NDArray[np.float64]
    """Of the surface that should have been measured."""
    residual: NDArray[np.float64]
    """Mean distance of the points to the surface, in diameters."""
    noise: NDArray[np.float64]
    """Error of a measured point that is to be expected, in diameters."""
    scale_residual: NDArray[np.float64]
    """By how much the reference would have to be larger or smaller, as a share of its size."""
    second_best_pose: NDArray[np.float64]
    """Best score of a clearly different pose of the same reference, 0 where there is none."""
    second_best_object: NDArray[np.float64]
    """Best score of any other reference, 0 where there is none."""
    points: NDArray[np.float64]
    """How many points were observed."""


def features_of(situation: Situation) -> NDArray[np.float64]:
    """Return the traits (E, len(FEATURES)), each in [0, 1]; anything not finite counts as worst."""
    s = situation
    points = np.log(np.maximum(s.points, 1.0) / FEWEST_POINTS)
    columns = (s.score, s.coverage, 1.0 - s.residual / np.maximum(MOST_NOISES * s.noise, 1e-9),
               1.0 - np.abs(s.scale_residual) / LARGEST_SCALE_RESIDUAL, _margin(s.score, s.second_best_pose),
               0.5 + 0.5 * _margin(s.score, s.second_best_object),
               points / np.log(MOST_POINTS / FEWEST_POINTS))
    return np.clip(np.nan_to_num(np.stack(columns, axis=1), nan=0.0, posinf=0.0, neginf=0.0),
                   0.0, 1.0)


def _margin(score: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far a score is above another one, 1 for LARGEST_MARGIN; below it, negative."""
    return (1.0 - other / np.maximum(score, 1e-6)) / LARGEST_MARGIN
