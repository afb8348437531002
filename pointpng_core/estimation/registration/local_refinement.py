"""From the previous poses of objects to their present ones: a few ICP steps, no search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.config import PoseTrackingConfig
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.registration.stages import Registration
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
SHRINK = 0.5
"""Factor of the reach from one step to the next."""


@dataclass(frozen=True, kw_only=True)
class PoseTracker:
    """Registers previous poses on the present points, and decides which are lost."""

    config: PoseTrackingConfig

    def register(self, hypotheses: Hypotheses, registration: Registration) -> Hypotheses:
        """Return hypotheses after ICP steps of shrinking reach: ready for exact ICP."""
        reach = [self.config.reach * SHRINK ** step for step in range(self.config.steps)]
        return registration.align(hypotheses, points=self.config.points, tolerances=reach)

    def gated(self, estimate: PoseEstimate, reference: Reference, T_expected: Matrix
              ) -> PoseEstimate | None:
        """Return the estimate at its symmetric equal nearest to the expected pose (4, 4).

        None when its score is too low, or it lies further from there than the gate allows.
        """
        T = nearest_equal(estimate.T_observation_reference, reference, T_expected)
        rotation_rad, shift_m = drift(T, T_expected, reference)
        lost = estimate.score < self.config.least_score \
            or np.degrees(rotation_rad) > self.config.max_rotation_deg \
            or shift_m > self.config.max_shift * reference.diameter_m
        return None if lost else replace(estimate, T_observation_reference=T)


def nearest_equal(T: Matrix, reference: Reference, T_previous: Matrix) -> Matrix:
    """Return the member of the pose's symmetry group (4, 4) nearest to another pose."""
    if not reference.symmetry.elements:
        return T
    return T @ reference.symmetry.nearest(T, T_previous)


def drift(T: Matrix, T_expected: Matrix, reference: Reference) -> tuple[float, float]:
    """Return the rotation in radians and the shift of the centre in metres between two poses."""
    # |R_a - R_b| = 2 sqrt(2) sin(angle / 2)
    chord = np.linalg.norm(T[:3, :3] - T_expected[:3, :3]) / np.sqrt(8.0)
    rotation_rad = 2.0 * np.arcsin(min(1.0, chord))
    shift = (T - T_expected)[:3] @ np.append(reference.centre, 1.0)
    return float(rotation_rad), float(np.linalg.norm(shift))


def check_previous(poses: Sequence[Matrix], references: Sequence[Reference], count: int) -> None:
    """Raise ConfigError unless there are `count` references and finite poses (4, 4)."""
    if len(poses) != count or len(references) != count:
        raise ConfigError(f'{len(references)} references and {len(poses)} previous poses for '
                          f'{count} observations: tracking needs one of each per observation')
    for index, pose in enumerate(poses):
        if np.shape(pose) != (4, 4) or not np.isfinite(pose).all():
            raise ConfigError(f'previous pose {index} has shape {np.shape(pose)} or is not '
                              'finite; expected T_observation_reference (4, 4)')
