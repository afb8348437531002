"""From verified hypotheses to the estimates that are returned, with their confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from pointpng_core.estimation.confidence import (
    LARGEST_MARGIN,
    Calibration,
    EvidenceSummary,
    features_of,
)
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Request
from pointpng_core.estimation.strategies import Strategy
from pointpng_core.estimation.types import Hypothesis, LabelHypothesis, PoseEstimate
from pointpng_core.estimation.uncertainty.ambiguity import AMBIGUOUS_LIKELIHOOD_RATIO, same_pose
from pointpng_core.estimation.verification.candidates import Candidates
from pointpng_core.estimation.verification.scale_residual import scale_residual
from pointpng_core.reference.reference import Reference

RUNNERS_UP = 5
SIZE_POINTS = 256
"""Points of an observation whose size is compared with the reference's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Group:
    """The hypotheses of one reference in one observation, best first."""

    observation: int
    reference: Reference
    hypotheses: list[Hypothesis]
    row: int
    """Row of the best one among all that were verified."""
    second_best_pose: Hypothesis | None
    """The best clearly different pose of the same reference."""

    @property
    def second_best_score(self) -> float:
        """Return the score of the second-best pose, 0 without one."""
        return self.second_best_pose.score if self.second_best_pose else 0.0


def summarise(candidates: Candidates, request: Request, strategy: Strategy,
              calibration: Calibration) -> list[list[PoseEstimate]]:
    """Return for each observation its estimates, one per reference that is left, best first."""
    groups = _grouped(candidates, request)
    features = _features(groups, candidates.hypotheses, request, strategy)
    confidences = calibration.probability(features, kind=strategy.kind)
    labels = _labels(groups, confidences, len(request.observations))
    estimates: list[list[PoseEstimate]] = [[] for _ in range(len(request.observations))]
    for group, confidence, row in zip(groups, confidences, features):
        estimates[group.observation].append(_estimate(
            group, confidence=float(confidence), kind=strategy.kind, features=row,
            other_labels=tuple(label for label in labels[group.observation]
                               if label.name != group.reference.name)[:RUNNERS_UP],
            stage_ms=request.timer.stage_ms))
    return estimates


def _labels(groups: Sequence[_Group], confidences: NDArray[np.float64], count: int
            ) -> list[list[LabelHypothesis]]:
    """Return for each of `count` observations the references that it could be, best first."""
    labels: list[list[LabelHypothesis]] = [[] for _ in range(count)]
    for group, confidence in zip(groups, confidences):
        labels[group.observation].append(LabelHypothesis(
            name=group.reference.name, confidence=float(confidence),
            T_observation_reference=group.hypotheses[0].T_observation_reference))
    return labels


def _grouped(candidates: Candidates, request: Request) -> list[_Group]:
    """Return the hypotheses by observation and reference, best first, without suppressed ones."""
    evidence, one = candidates.evidence, candidates.hypotheses
    score = evidence.score.cpu().numpy()
    rows = np.argsort(-score, kind='stable')
    # Neither suppressed, which score -1, nor undefined.
    rows = rows[score[rows] >= 0]
    poses = one.to_poses(request.observations, request.references)[rows]
    owners, models, *numbers = (tensor.cpu().numpy()[rows].tolist() for tensor in (
        one.observation, one.reference, evidence.score, evidence.residual_m,
        evidence.inlier_share, evidence.coverage))
    groups: dict[tuple[int, int], list[Hypothesis]] = {}
    best: dict[tuple[int, int], int] = {}
    for row, key, T, (value, residual, inliers, coverage) in zip(
            rows.tolist(), zip(owners, models), poses, zip(*numbers)):
        best.setdefault(key, row)
        groups.setdefault(key, []).append(Hypothesis(
            T_observation_reference=T, score=value, residual_m=residual, inlier_share=inliers,
            coverage=coverage))
    return [_Group(observation=key[0], reference=request.references[key[1]], hypotheses=group,
                   row=best[key],
                   second_best_pose=_second_best_pose(group, request.references[key[1]]))
            for key, group in groups.items()]


def _second_best_pose(group: list[Hypothesis], reference: Reference) -> Hypothesis | None:
    """Return the best pose that is clearly another one, None where there is none.

    Poses beyond LARGEST_MARGIN are skipped: they do not change the confidence.
    """
    best, least = group[0], (1.0 - LARGEST_MARGIN) * group[0].score
    return next((other for other in group[1:] if other.score > least and not same_pose(
        other.T_observation_reference, best.T_observation_reference, reference)), None)


def _features(groups: Sequence[_Group], hypotheses: Hypotheses, request: Request,
              strategy: Strategy) -> NDArray[np.float64]:
    """Return the features (E, F) of the best hypothesis of each group, beside the others."""
    best = [group.hypotheses[0] for group in groups]
    scores: dict[int, list[float]] = {}
    for group, hypothesis in zip(groups, best):
        scores.setdefault(group.observation, []).append(hypothesis.score)

    def column(values: list[float]) -> NDArray[np.float64]:
        return np.array(values, dtype=np.float64)
    observations, owners = request.observations, [group.observation for group in groups]
    diameter = column([group.reference.diameter_m for group in groups])
    noise_m = strategy.point_error_m(
        request.depth_noise, np.linalg.norm(observations.centroids[owners], axis=1), diameter)
    return features_of(EvidenceSummary(
        score=column([h.score for h in best]), coverage=column([h.coverage for h in best]),
        residual=column([h.residual_m for h in best]) / diameter, noise=noise_m / diameter,
        scale_residual=_scale_residual(groups, hypotheses, request, noise_m=noise_m,
                                       diameter_m=diameter),
        second_best_pose=column([group.second_best_score for group in groups]),
        second_best_object=column([_second_best_object(scores[owner], h.score)
                                   for owner, h in zip(owners, best)]),
        points=column([len(observations.clouds[owner]) for owner in owners])))


def _scale_residual(groups: Sequence[_Group], hypotheses: Hypotheses, request: Request, *,
                    noise_m: NDArray[np.float64], diameter_m: NDArray[np.float64]
                    ) -> NDArray[np.float64]:
    """Return (E,) by how much the references would have to grow or shrink, of their sizes."""
    rows = torch.tensor([group.row for group in groups], dtype=torch.long,
                        device=hypotheses.observation.device)
    best = hypotheses.take(rows)
    points = request.observations.points[best.observation, :SIZE_POINTS]
    return scale_residual(request.stack.field, best, points, noise_m=noise_m,
                          diameter_m=diameter_m)


def _second_best_object(scores: Sequence[float], own: float) -> float:
    """Return the best of the other scores; scores are sorted, best first, and include `own`."""
    first, second = scores[0], scores[1] if len(scores) > 1 else 0.0
    return first if own < first else second


def _estimate(group: _Group, **known: Any) -> PoseEstimate:
    best, others = group.hypotheses[0], group.hypotheses[1:RUNNERS_UP + 1]
    second = group.second_best_pose
    # Many poses near the best one may come before the second-best pose.
    late = () if second is None or second in others else (second,)
    return PoseEstimate(
        **vars(best), name=group.reference.name,
        ambiguous=0.0 < group.second_best_score >= AMBIGUOUS_LIKELIHOOD_RATIO * best.score,
        symmetric=bool(group.reference.symmetry.elements),
        runners_up=(*others, *late), **known)
