"""From verified hypotheses to the estimates that are handed out."""

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from pointpng_core.estimation.confidence import LARGEST_MARGIN, Calibration, Situation, features_of
from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.types import Hypothesis, LabelHypothesis, PoseEstimate
from pointpng_core.estimation.verification.evidence import Evidence
from pointpng_core.estimation.verification.scale_residual import scale_residual
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.reference.reference import Reference
from pointpng_core.reference.surface.voxel_lookup import SurfaceField

AS_GOOD = 0.95
"""Share of the best score with which another pose makes the answer ambiguous."""
RUNNERS_UP = 5
SIZE_POINTS = 256
"""Points of an observation whose size is compared with the reference's."""
MOST_NOISE = 0.05
"""Of the diameter: with more, nothing about the object could be told anyway."""
WHOLE_NOISE = 0.01
"""Error to be expected of the points of a whole surface, in diameters."""
SAME_RAD = math.radians(15.0)
SAME_DIAMETERS = 0.1
"""Poses less than both apart, up to a symmetry, are one explanation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """The hypotheses of one reference in one observation, best first."""

    observation: int
    reference: Reference
    hypotheses: list[Hypothesis]
    row: int
    """Of the best one among all that were verified."""
    second_best_pose: Hypothesis | None
    """The best clearly different pose of the same reference."""

    @property
    def second_best_score(self) -> float:
        """Return how much the rival explains, 0 without one."""
        return self.second_best_pose.score if self.second_best_pose else 0.0


def summarise(hypotheses: Hypotheses, evidence: Evidence, observations: Observations,
              references: Sequence[Reference], stage_ms: dict[str, float], *,
              field: SurfaceField, calibration: Calibration, depth_noise: DepthNoise,
              single_view: bool
              ) -> list[list[PoseEstimate]]:
    """Return for each observation its estimates, one per reference that is left, best first.

    `field` holds the surfaces of the references, in their order; `single_view` tells what the
    observations were taken for: one view each, or whole surfaces.
    """
    found = _grouped(hypotheses, evidence, observations, references)
    features = _features(found, observations, hypotheses, field,
                         depth_noise if single_view else None)
    sure = calibration.probability(features, single_view=single_view)
    labels = _labels(found, sure, len(observations))
    estimates: list[list[PoseEstimate]] = [[] for _ in range(len(observations))]
    for part, confidence, row in zip(found, sure, features):
        estimates[part.observation].append(_estimate(
            part, confidence=float(confidence), single_view=single_view, features=row,
            other_labels=tuple(label for label in labels[part.observation]
                               if label.name != part.reference.name)[:RUNNERS_UP],
            stage_ms=stage_ms))
    return estimates


def _labels(found: Sequence[_Found], sure: NDArray[np.float64], count: int
            ) -> list[list[LabelHypothesis]]:
    """Return for each of `count` observations what it could be, best first."""
    labels: list[list[LabelHypothesis]] = [[] for _ in range(count)]
    for part, confidence in zip(found, sure):
        labels[part.observation].append(LabelHypothesis(
            name=part.reference.name, confidence=float(confidence),
            T_observation_reference=part.hypotheses[0].T_observation_reference))
    return labels


def _grouped(hypotheses: Hypotheses, evidence: Evidence, observations: Observations,
             references: Sequence[Reference]) -> list[_Found]:
    """Return the hypotheses by observation and reference, best first, without silenced ones."""
    score = evidence.score.cpu().numpy()
    rows = np.argsort(-score, kind='stable')
    rows = rows[score[rows] >= 0]
    owners, models, R, t, *numbers = (tensor.cpu().numpy()[rows] for tensor in (
        hypotheses.observation, hypotheses.reference, hypotheses.R.double(), hypotheses.t.double(),
        evidence.score, evidence.residual_m, evidence.inlier_share, evidence.coverage))
    centres = np.array([references[model].centre for model in models]).reshape(-1, 3)
    poses = poses_of(R, t, observations.centroids[owners], centres)
    groups: dict[tuple[int, int], list[Hypothesis]] = {}
    best: dict[tuple[int, int], int] = {}
    for row, key, T, (score, residual, inliers, coverage) in zip(
            rows.tolist(), zip(owners.tolist(), models.tolist()), poses,
            zip(*(values.tolist() for values in numbers))):
        best.setdefault(key, row)
        groups.setdefault(key, []).append(Hypothesis(
            T_observation_reference=T, score=score, residual_m=residual, inlier_share=inliers,
            coverage=coverage))
    return [_Found(observation=key[0], reference=references[key[1]], hypotheses=group,
                   row=best[key], second_best_pose=_second_best_pose(group, references[key[1]]))
            for key, group in groups.items()]


def pose_of(R: NDArray[np.float64], t: NDArray[np.float64], centroid: NDArray[np.float64],
            centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return T_observation_reference (4, 4) of x_r - centre = R (x_o - centroid) + t."""
    T: NDArray[np.float64] = poses_of(R[None], t[None], centroid[None], centre[None])[0]
    return T


def poses_of(R: NDArray[np.float64], t: NDArray[np.float64], centroids: NDArray[np.float64],
             centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return T_observation_reference (H, 4, 4) as `pose_of` does, of H poses at once."""
    # Rounding in float32 leaves R slightly off SO(3); one Newton step of the polar decomposition
    # (Higham 1986) squares what it is off.
    inverse = R.transpose(0, 2, 1)
    R_observation_reference = 1.5 * inverse - 0.5 * inverse @ R @ inverse
    T = np.tile(np.eye(4), (len(R), 1, 1))
    T[:, :3, :3] = R_observation_reference
    T[:, :3, 3] = centroids - (R_observation_reference @ (centres + t)[..., None])[..., 0]
    return T


def _second_best_pose(group: list[Hypothesis], reference: Reference) -> Hypothesis | None:
    """Return the best pose that is clearly another one, None where there is none.

    What is worse than LARGEST_MARGIN tells is not looked at: it is a rival, or none, to no effect.
    """
    best, least = group[0], (1.0 - LARGEST_MARGIN) * group[0].score
    return next((other for other in group[1:] if other.score > least and not same_pose(
        other.T_observation_reference, best.T_observation_reference, reference)), None)


def same_pose(T_a: NDArray[np.float64], T_b: NDArray[np.float64], reference: Reference
              ) -> bool:
    """Tell whether two poses (4, 4) are one explanation, up to the reference's symmetry."""
    limit_m = SAME_DIAMETERS * reference.diameter_m
    if reference.symmetry.elements:
        return reference.symmetry.same(T_a, T_b, rotation_rad=SAME_RAD, shift_m=limit_m,
                                       about=reference.centre)
    # At the reference's centre: its origin may lie far outside it.
    shift = (T_a[:3, :3] - T_b[:3, :3]) @ reference.centre + T_a[:3, 3] - T_b[:3, 3]
    cosine = 0.5 * (np.vdot(T_a[:3, :3], T_b[:3, :3]) - 1.0)
    return bool(cosine > np.cos(SAME_RAD) and np.linalg.norm(shift) < limit_m)


def _features(found: Sequence[_Found], observations: Observations, hypotheses: Hypotheses,
            field: SurfaceField, depth_noise: DepthNoise | None) -> NDArray[np.float64]:
    """Return the traits (E, F) of the best hypothesis of each, beside its rivals."""
    best = [part.hypotheses[0] for part in found]
    scores: dict[int, list[float]] = {}
    for part, hypothesis in zip(found, best):
        scores.setdefault(part.observation, []).append(hypothesis.score)

    def column(values: list[float]) -> NDArray[np.float64]:
        return np.array(values, dtype=np.float64)
    diameter = column([part.reference.diameter_m for part in found])
    # Far away, or in other units than metres, the noise must not excuse everything.
    noise_m = WHOLE_NOISE * diameter if depth_noise is None \
        else np.minimum(_noise(found, observations, depth_noise), MOST_NOISE * diameter)
    return features_of(Situation(
        score=column([h.score for h in best]), coverage=column([h.coverage for h in best]),
        residual=column([h.residual_m for h in best]) / diameter, noise=noise_m / diameter,
        scale_residual=_scale_residual(found, observations, hypotheses, field, noise_m=noise_m,
                       diameter_m=diameter),
        second_best_pose=column([part.second_best_score for part in found]),
        second_best_object=column([_second_best_object(scores[part.observation], h.score)
                         for part, h in zip(found, best)]),
        points=column([len(observations.clouds[part.observation]) for part in found])))


def _scale_residual(found: Sequence[_Found], observations: Observations, hypotheses: Hypotheses,
            field: SurfaceField, *, noise_m: NDArray[np.float64],
            diameter_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (E,) by how much the references would have to grow or shrink, of their sizes."""
    best = hypotheses.take(torch.tensor([part.row for part in found], dtype=torch.long,
                                        device=hypotheses.R.device))
    points = observations.points[best.observation, :SIZE_POINTS]
    return scale_residual(field, best, points, noise_m=noise_m, diameter_m=diameter_m)


def _noise(found: Sequence[_Found], observations: Observations, depth_noise: DepthNoise
           ) -> NDArray[np.float64]:
    """Return (E,) the error of a depth camera at the distance of each observation, metres."""
    distance = np.linalg.norm(observations.centroids[[part.observation for part in found]], axis=1)
    return np.asarray(depth_noise.sigma_m(distance), dtype=np.float64)


def _second_best_object(scores: Sequence[float], own: float) -> float:
    """Return the best score of the others; scores are sorted, best first, and own is of them."""
    first, second = scores[0], scores[1] if len(scores) > 1 else 0.0
    return first if own < first else second


def _estimate(found: _Found, **told: Any) -> PoseEstimate:
    best, others = found.hypotheses[0], found.hypotheses[1:RUNNERS_UP + 1]
    # Many poses near the best one may stand before the rival.
    late = () if found.second_best_pose is None or found.second_best_pose in others else (found.second_best_pose,)
    return PoseEstimate(
        **vars(best), name=found.reference.name,
        ambiguous=0.0 < found.second_best_score >= AS_GOOD * best.score,
        symmetric=bool(found.reference.symmetry.elements),
        runners_up=(*others, *late), **told)
