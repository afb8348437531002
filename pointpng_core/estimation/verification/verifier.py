"""Verification: the evidence for registered hypotheses, and one of many that are the same."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.estimation.config import VerificationConfig
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Request
from pointpng_core.estimation.registration.icp import disc_distance
from pointpng_core.estimation.verification.candidates import (
    ACCEPTED_LIKELIHOOD_RATIO,
    Candidates,
)
from pointpng_core.estimation.verification.coverage import Coverage
from pointpng_core.estimation.verification.evidence import Evidence, deviation_m, fit
from pointpng_core.geometry.depth_noise import MAX_NOISE_DIAMETERS

FINE_POINTS, COARSE_POINTS = 512, 256
"""Points of a full surface among which the points of its reference are searched."""
COARSE_PROBES = 128
"""Probes are in farthest-point order: the first ones alone cover the surface too."""
COARSE_LENIENCE = 2.0
"""Poses have not converged yet when the coarse stage ranks them."""
LIKELIHOOD_TOLERANCES = 0.4
"""Deviation, in tolerances, that makes a pose less likely by a factor of e."""


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """Judges hypotheses of the observations of a request against its references."""

    request: Request
    config: VerificationConfig
    coverage: Coverage
    noise_m: Tensor
    """(O,) error of the points of each observation: the least tolerance."""

    def coarse(self, hypotheses: Hypotheses) -> Candidates:
        """Return coarsely registered hypotheses (O, K), judged leniently on few points.

        Duplicates are suppressed.
        """
        candidates = Candidates(hypotheses=hypotheses,
                                evidence=self._judge_leniently(hypotheses))
        return candidates.suppress_duplicates(self.request.stack.diameter)

    def fine(self, hypotheses: Hypotheses) -> Candidates:
        """Return finely registered hypotheses (O, K), judged on all sampled points.

        Their likelihood ratios are within each observation; duplicates are suppressed.
        """
        candidates = self.judged(hypotheses).with_likelihood_ratio()
        return candidates.suppress_duplicates(self.request.stack.diameter)

    def better(self, first: Hypotheses, refined: Hypotheses) -> Candidates:
        """Return of each hypothesis (H,) the refined one where it fits about as well, else itself.

        Both are judged together: for few hypotheses, the number of operations is the time.
        """
        both = Hypotheses.concatenated((first, refined))
        evidence = self.judge(both)
        count = len(first)
        before, after = evidence.score[:count], evidence.score[count:]
        rows = torch.arange(count, device=before.device)
        index = torch.where(after >= ACCEPTED_LIKELIHOOD_RATIO * before, rows + count, rows)
        return Candidates(hypotheses=both.take(index[:, None]), evidence=evidence.take(index))

    def judged(self, hypotheses: Hypotheses) -> Candidates:
        """Return hypotheses as they are, with their evidence on all sampled points."""
        return Candidates(hypotheses=hypotheses, evidence=self.judge(hypotheses))

    def judge(self, hypotheses: Hypotheses) -> Evidence:
        """Return the evidence for hypotheses as they are, on all sampled points."""
        tolerance = self._tolerance(hypotheses, self.config.tolerance)
        diameter = self.request.stack.diameter[hypotheses.reference]
        distance = self._distances(hypotheses, None)
        residual, inliers = fit(distance, tolerance)
        deviation = deviation_m(distance, diameter)
        depth_tolerance = self._tolerance(hypotheses, self.config.depth_tolerance)
        coverage, missing = self.coverage(hypotheses, depth_tolerance, probes=None,
                                          points=FINE_POINTS)
        if missing is not None:
            deviation = deviation + deviation_m(missing, diameter)
        return Evidence.alone(residual_m=residual, inlier_share=inliers, coverage=coverage,
                              deviation=deviation / (LIKELIHOOD_TOLERANCES * tolerance))

    def _judge_leniently(self, hypotheses: Hypotheses) -> Evidence:
        tolerance = COARSE_LENIENCE * self._tolerance(hypotheses, self.config.tolerance)
        residual, inliers = fit(self._distances(hypotheses, self.config.coarse_points), tolerance)
        depth_tolerance = self._tolerance(hypotheses, self.config.depth_tolerance)
        coverage, _ = self.coverage(hypotheses, depth_tolerance, probes=COARSE_PROBES,
                                    points=COARSE_POINTS)
        return Evidence.alone(residual_m=residual, inlier_share=inliers, coverage=coverage,
                              deviation=torch.zeros_like(residual))

    def _distances(self, hypotheses: Hypotheses, count: int | None) -> Tensor:
        """Return (H, n) the distances of the first `count` points to the surface, all for None."""
        points = self.request.observations.points[hypotheses.observation, :count]
        return disc_distance(self.request.stack.field, hypotheses.reference,
                             hypotheses.transform(points))

    def _tolerance(self, hypotheses: Hypotheses, diameters: float) -> Tensor:
        """Return (H,) a share of the reference's diameter in metres, at least the noise."""
        diameter = self.request.stack.diameter[hypotheses.reference]
        # Far away, or in other units than metres, the noise must not exceed the object.
        noise = torch.minimum(self.noise_m[hypotheses.observation],
                              MAX_NOISE_DIAMETERS * diameter)
        return torch.maximum(diameters * diameter, noise)
