"""From the previous poses of objects to their present ones: a few ICP steps, no search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
import torch

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.registration.icp import align
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimation.verification.evidence import Evidence
from pointpng_core.estimation.verification.verifier import SLACK, Verifier
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
SHRINK = 0.5
"""Of the reach from one step to the next."""


@dataclass(frozen=True, kw_only=True)
class PoseTrackingConfig(Config):
    """One object from its previous pose: how far it is looked for, and when it counts as lost."""

    sample: int = option(512, help='Points of an observation that a tracked pose is refined on.',
                         low=64, high=65536)
    steps: int = option(3, help='ICP steps before the exact registration.', low=0, high=50)
    points: int = option(256, help='Points of an observation in these steps.', low=16, high=4096)
    reach: float = option(0.08, help='Distance at which points have lost most of their weight in '
                                     'the first step; each further one halves it.',
                          unit='diameters', low=0.001, high=1.0)
    least_score: float = option(0.3, help='A tracked pose of a lower score is lost.',
                                low=0.0, high=1.0)
    max_rotation_deg: float = option(25.0, help='A pose turned further from where it was expected is '
                                            'lost; turns of its symmetry do not count.',
                                 unit='deg', low=0.0, high=180.0)
    max_shift: float = option(0.25, help='A pose shifted further from where it was expected is '
                                         'lost.', unit='diameters', low=0.0, high=10.0)


def hypotheses_at(T_observation_reference: Sequence[Matrix], observations: Observations,
                  references: Sequence[Reference], rows: Sequence[int]) -> Hypotheses:
    """Return one hypothesis per observation: its pose (4, 4) of the reference in its row.

    The inverse of `results.pose_of`: x_r - centre = R (x_o - centroid) + t.
    """
    T = np.stack([np.asarray(pose, np.float64) for pose in T_observation_reference])
    R = T[:, :3, :3].transpose(0, 2, 1)
    centres = np.stack([references[row].centre for row in rows])
    t = np.einsum('oij,oj->oi', R, observations.centroids - T[:, :3, 3]) - centres
    return Hypotheses(observation=torch.arange(len(T), device=observations.points.device),
                      reference=torch.tensor(list(rows), device=observations.points.device),
                      R=torch.from_numpy(R.copy()).to(observations.points),
                      t=torch.from_numpy(t).to(observations.points))


@dataclass(frozen=True, kw_only=True)
class PoseTracker:
    """Refines poses from where they were, and tells which are lost."""

    config: PoseTrackingConfig

    def refine(self, hypotheses: Hypotheses, observations: Observations, stack: ReferenceStack,
               front_facing: FrontFacing | None = None) -> Hypotheses:
        """Return hypotheses after ICP steps of shrinking reach: ready for the exact ICP."""
        diameter = stack.diameter[hypotheses.reference]
        tolerances = [self.config.reach * SHRINK ** step * diameter
                      for step in range(self.config.steps)]
        points = observations.points[hypotheses.observation, :self.config.points]
        return align(stack.field, hypotheses, points, tolerances, front_facing)

    def better(self, coarse: Hypotheses, exact: Hypotheses, verifier: Verifier
               ) -> tuple[Hypotheses, Evidence]:
        """Return exactly registered poses where they fit about as well as before, with evidence.

        Judged together: on a path of so few hypotheses, the number of operations is the time.
        """
        both = Hypotheses(**{name: torch.cat((value, getattr(exact, name)))
                             for name, value in vars(coarse).items()})
        evidence = verifier.judge(both)
        count = len(coarse)
        before, after = evidence.score[:count], evidence.score[count:]
        rows = torch.arange(count, device=before.device)
        index = torch.where(after >= SLACK * before, rows + count, rows)
        return both.take(index), evidence.take(index)

    def gated(self, estimate: PoseEstimate, reference: Reference, T_expected: Matrix
              ) -> PoseEstimate | None:
        """Return the estimate at its symmetric equal nearest to the expected pose (4, 4).

        None when it explains too little, or lies further from there than the gate allows.
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
    """Return the turn in radians and the shift of the centre in metres between two poses."""
    # |R_a - R_b| = 2 sqrt(2) sin(angle / 2)
    chord = np.linalg.norm(T[:3, :3] - T_expected[:3, :3]) / np.sqrt(8.0)
    turn = 2.0 * np.arcsin(min(1.0, chord))
    shift = (T - T_expected)[:3] @ np.append(reference.centre, 1.0)
    return float(turn), float(np.linalg.norm(shift))


def check_previous(poses: Sequence[Matrix], references: Sequence[Reference], count: int) -> None:
    """Raise ConfigError unless there are `count` references and finite poses (4, 4)."""
    if len(poses) != count or len(references) != count:
        raise ConfigError(f'{len(references)} references and {len(poses)} previous poses for '
                          f'{count} observations: tracking needs one of each per observation')
    for index, pose in enumerate(poses):
        if np.shape(pose) != (4, 4) or not np.isfinite(pose).all():
            raise ConfigError(f'previous pose {index} has shape {np.shape(pose)} or is not '
                              'finite; expected T_observation_reference (4, 4)')
