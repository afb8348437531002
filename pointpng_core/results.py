"""From verified hypotheses to the estimates that are handed out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.estimate import Hypothesis, PoseEstimate
from pointpng_core.observation import Observations
from pointpng_core.reference.reference import Reference
from pointpng_core.registration.evidence import Evidence
from pointpng_core.registration.hypotheses import Hypotheses

AS_GOOD = 0.95
"""Share of the best score with which another pose makes the answer ambiguous."""
RUNNERS_UP = 5


def summarise(hypotheses: Hypotheses, evidence: Evidence, observations: Observations,
              references: Sequence[Reference], stage_ms: dict[str, float]
              ) -> list[list[PoseEstimate]]:
    """Return for each observation its estimates, one per reference that is left, best first."""
    found: list[dict[int, list[Hypothesis]]] = [{} for _ in range(len(observations))]
    order = evidence.score.argsort(descending=True)
    for index in order[evidence.score[order] >= 0].tolist():
        observation = int(hypotheses.observation[index])
        reference = int(hypotheses.reference[index])
        found[observation].setdefault(reference, []).append(_hypothesis(
            hypotheses, evidence, index, observations.centroids[observation],
            references[reference]))
    return [[_estimate(group, references[reference], stage_ms)
             for reference, group in groups.items()] for groups in found]


def _hypothesis(hypotheses: Hypotheses, evidence: Evidence, index: int,
                centroid: NDArray[np.float64], reference: Reference) -> Hypothesis:
    return Hypothesis(
        T_observation_reference=pose_of(hypotheses.R[index].double().cpu().numpy(),
                                        hypotheses.t[index].double().cpu().numpy(),
                                        centroid, reference.centre),
        score=float(evidence.score[index]), residual_m=float(evidence.residual_m[index]),
        inlier_share=float(evidence.inlier_share[index]))


def pose_of(R: NDArray[np.float64], t: NDArray[np.float64], centroid: NDArray[np.float64],
            centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return T_observation_reference (4, 4) of x_r - centre = R (x_o - centroid) + t."""
    # Rounding in float32 leaves R slightly off SO(3).
    R_observation_reference = Rotation.from_matrix(R).inv().as_matrix()
    T = np.eye(4)
    T[:3, :3] = R_observation_reference
    T[:3, 3] = centroid - R_observation_reference @ (centre + t)
    return T


def _estimate(group: list[Hypothesis], reference: Reference, stage_ms: dict[str, float]
              ) -> PoseEstimate:
    best, others = group[0], group[1:]
    ambiguous = bool(others) and others[0].score >= AS_GOOD * best.score
    return PoseEstimate(**vars(best), name=reference.name, ambiguous=ambiguous,
                        runners_up=tuple(others[:RUNNERS_UP]), stage_ms=stage_ms)
