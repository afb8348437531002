"""Hypotheses with their evidence, and which of them go on: suppression and selection."""

from dataclasses import dataclass, replace
import math

import torch
from torch import Tensor

from pointpng_core.estimation.fair_selection import best_with_places
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.verification.evidence import Evidence

SAME_RAD, SAME_DIAMETERS = math.radians(15.0), 0.1
"""Poses closer than both are one explanation."""
ACCEPTED_LIKELIHOOD_RATIO = 0.85
"""Least likelihood ratio of a refined pose over the pose it came from: exact ICP weights points
otherwise than the score does, and may lose some likelihood for accuracy."""
DEVIATION_SLACK = 0.02
"""Share of the deviation by which a refined pose may be worse besides: noise and sparse sampling
make the deviation large, and its random changes with it."""
CANDIDATE_LIKELIHOOD_RATIO = 0.8
"""Least score, over the best of the observation, of a pose that could still win if refined."""


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """K hypotheses for each of O observations, with their evidence."""

    hypotheses: Hypotheses
    evidence: Evidence

    @property
    def scores(self) -> Tensor:
        """Return the scores (O, K)."""
        return self.hypotheses.by_observation(self.evidence.score)

    def suppress_duplicates(self, diameter_m: Tensor) -> 'Candidates':
        """Return the candidates with each suppressed that has a better one at nearly its pose.

        diameter_m (R,) of the references. Many starts converge to one pose: what is left are the
        different explanations.
        """
        one, scores = self.hypotheses, self.scores
        reference, R, t = (one.by_observation(values) for values in (
            one.reference, one.R_reference_observation, one.t_reference_observation))
        flat = R.flatten(2)
        # trace(A^T B) = 1 + 2 cos(angle)
        near = flat @ flat.transpose(1, 2) > 1.0 + 2.0 * math.cos(SAME_RAD)
        near &= reference[:, :, None] == reference[:, None]
        near &= torch.cdist(t, t) < SAME_DIAMETERS * diameter_m[reference][..., None]
        better = scores[:, None, :] > scores[:, :, None]
        order = torch.arange(scores.shape[1], device=scores.device)
        tied = (scores[:, None, :] == scores[:, :, None]) & (order < order[:, None])
        suppressed = (near & (better | tied)).any(dim=2).flatten()
        return replace(self, evidence=self.evidence.with_suppressed(suppressed))

    def best(self, count: int, *, references: int = 1) -> Tensor:
        """Return the index (O, count) of the best of each observation; (O, K) where K is less.

        The best one of each of so many references is among them.
        """
        scores, owner = self.scores, self.hypotheses.by_observation(self.hypotheses.reference)
        index = best_with_places(scores, owner, count, references=references)
        first = scores.shape[1] * torch.arange(len(scores), device=index.device)
        return index + first[:, None]

    def kept(self, count: int, *, references: int) -> Hypotheses:
        """Return the hypotheses at `best`."""
        return self.hypotheses.take(self.best(count, references=references))

    def refinement_candidates(self, count: int) -> Tensor:
        """Return the index (K,) of at most `count` of each observation, all near its best."""
        index = self.best(count).flatten()
        best = self.scores.amax(dim=1)[self.hypotheses.observation[index]]
        return index[self.evidence.score[index] >= CANDIDATE_LIKELIHOOD_RATIO * best]

    def accept_refined(self, refined: 'Candidates', index: Tensor) -> 'Candidates':
        """Return the candidates with those at an index (K,) refined, where that fits as well.

        The test is one of the likelihood ratio: a registration that converged elsewhere, or slid
        along a surface, is rejected.
        """
        before = self.evidence.take(index)
        least = (before.support + math.log(ACCEPTED_LIKELIHOOD_RATIO)
                 - DEVIATION_SLACK * before.deviation)
        good = (refined.evidence.support >= least).nonzero().squeeze(1)
        index, moved, one = index[good], refined.hypotheses.take(good), self.hypotheses
        hypotheses = one.moved(
            one.R_reference_observation.index_copy(0, index, moved.R_reference_observation),
            one.t_reference_observation.index_copy(0, index, moved.t_reference_observation))
        evidence = self.evidence.put(index, refined.evidence.take(good))
        return Candidates(hypotheses=hypotheses, evidence=evidence).with_likelihood_ratio()

    def with_likelihood_ratio(self) -> 'Candidates':
        """Return the candidates with the likelihood ratios within each observation.

        Raises ValueError for hypotheses without a shape.
        """
        shape = self.hypotheses.shape
        if shape is None:
            raise ValueError('likelihood ratios need hypotheses with a shape (O, K)')
        return replace(self, evidence=self.evidence.with_likelihood_ratio(shape))
