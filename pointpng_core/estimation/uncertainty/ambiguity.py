"""Other poses that explain an observation about as well, up to the symmetry of the reference."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.types import Hypothesis, PoseEstimate
from pointpng_core.estimation.verification.candidates import SAME_DIAMETERS, SAME_RAD
from pointpng_core.reference.reference import Reference

AMBIGUOUS_LIKELIHOOD_RATIO = 0.95
"""Least score, over the best one, with which another pose makes the answer ambiguous."""


def same_pose(T_a: NDArray[np.float64], T_b: NDArray[np.float64], reference: Reference
              ) -> bool:
    """Return whether two poses (4, 4) are one explanation, up to the reference's symmetry."""
    limit_m = SAME_DIAMETERS * reference.diameter_m
    if reference.symmetry.elements:
        return reference.symmetry.same(T_a, T_b, rotation_rad=SAME_RAD, shift_m=limit_m,
                                       about=reference.centre)
    # At the reference's centre: its origin may lie far outside it.
    shift = (T_a[:3, :3] - T_b[:3, :3]) @ reference.centre + T_a[:3, 3] - T_b[:3, 3]
    cosine = 0.5 * (np.vdot(T_a[:3, :3], T_b[:3, :3]) - 1.0)
    return bool(cosine > np.cos(SAME_RAD) and np.linalg.norm(shift) < limit_m)


def other_poses(estimate: PoseEstimate, reference: Reference) -> list[Hypothesis]:
    """Return the runners-up of an ambiguous estimate that are clearly other poses, best first.

    Each appears once, up to the symmetry of the reference; the list is empty only where the
    estimate is not ambiguous. Where none of them is as good, it contains the best runner-up, which
    made the estimate ambiguous: a later view may have distinguished the two, or a tracked pose may
    lie between others.
    """
    if not estimate.ambiguous:
        return []
    apart: list[Hypothesis] = [estimate]
    for other in estimate.runners_up:
        if not any(same_pose(other.T_observation_reference, known.T_observation_reference,
                             reference) for known in apart):
            apart.append(other)
    as_good = [other for other in _best_first(apart[1:])
               if other.score >= AMBIGUOUS_LIKELIHOOD_RATIO * estimate.score]
    return as_good or _best_first(estimate.runners_up)[:1]


def _best_first(poses: Sequence[Hypothesis]) -> list[Hypothesis]:
    return sorted(poses, key=lambda pose: -pose.score)
