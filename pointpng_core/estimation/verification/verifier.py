"""From proposed poses to verified ones: coarse ICP of all, fine ICP of the best, evidence."""

from dataclasses import dataclass
from functools import cached_property
import math

import numpy as np
import torch
from torch import Tensor

from pointpng_core.config import Config, option
from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.registration.icp import align, disc_distance
from pointpng_core.estimation.verification.depth_images import DepthImages
from pointpng_core.estimation.verification.evidence import (
    Evidence,
    deviation_m,
    fit,
    full_coverage,
    probe_distances,
    view_coverage,
)
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.reference.batch import ReferenceStack

COARSE = (0.12, 0.08, 0.05)
"""Tolerances of the coarse steps, in diameters: wide enough for half a grid step of rotation."""
PART_COARSE = (0.2, 0.2, 0.15, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.05)
"""The same from starts all around, which lie further off; so do centroids, with a part missing."""
FINE = (0.03, 0.02, 0.013)
SLACK = 0.85
"""The polish weighs points otherwise than the score does, and may lose some for accuracy."""
NOISE_SLACK = 0.02
"""And this share of the deviation: noise and sparse sampling make it large, and its chance changes
with it."""
CONTENDER = 0.8
"""Share of the best score below which a pose will not win by being refined."""
MOST_NOISE = 0.05
"""Of the diameter: with more, nothing about the object could be told anyway."""
SAME_TRACE = 1.0 + 2.0 * math.cos(math.radians(15.0))
SAME_DIAMETERS = 0.1
"""Two poses less than 15 degrees and this apart are one."""
COVERING_POINTS, COARSE_COVERING_POINTS = 512, 256
"""Points of a whole observation that its reference's surface is looked for in."""
COARSE_PROBES = 128
"""Probes are in farthest-point order: the first ones alone cover the surface too."""
COARSE_LENIENCE = 2.0
"""Poses are not converged yet when the coarse stage ranks them."""
LIKELIHOOD_TOLERANCES = 0.4
"""Deviation, in tolerances, that makes a pose less likely by a factor of e."""


@dataclass(frozen=True, kw_only=True)
class VerificationConfig(Config):
    """Registration on the points, and what counts as a fit."""

    coarse_points: int = option(128, help='Points of an observation in the coarse ICP.',
                                low=16, high=4096)
    fine_points: int = option(512, help='Points of an observation in the fine ICP.',
                              low=16, high=8192)
    keep: int = option(12, help='Poses per view that the fine ICP takes up.', low=1, high=256)
    whole_keep: int = option(8, help='The same of a whole surface, or of a part of one.',
                             low=1, high=256)
    tolerance: float = option(0.012, help='Distance from the surface of a point that fits.',
                              unit='diameters', low=1e-4, high=0.2)
    depth_tolerance: float = option(0.03, help='Error in depth at which a surface was not found.',
                                    unit='diameters', low=1e-3, high=0.5)
    refine: int = option(2, help='Poses per observation refined by exact ICP.',
                         low=0, high=64)
    both_ways: bool = option(False, help='Whether exact ICP of whole surfaces also lays the '
                                         'reference on the observation: some 10 ms for errors '
                                         'that are a fifth to two thirds smaller.')
    noise_sigmas: float = option(2.4, help='Least of both tolerances for a single view, in '
                                           'standard deviations of the depth noise.',
                                 low=0.0, high=20.0)


class Verifier:
    """Registers and judges hypotheses of one batch of observations against one of references."""

    def __init__(self, *, config: VerificationConfig, observations: Observations,
                 references: ReferenceStack, images: DepthImages | None, depth_noise: DepthNoise,
                 partial: bool = False) -> None:
        """Prepare for single views, with their depth images, or for surfaces, whole or `partial`.

        Of partial ones the missing surface counts in the score, but does not draw the pose.
        """
        self._partial = partial
        self._config, self._observations = config, observations
        self._references, self._images = references, images
        distance = observations.points.new_tensor(np.linalg.norm(observations.centroids, axis=1))
        noise = config.noise_sigmas * depth_noise.sigma_m(distance)
        self.front_facing = FrontFacing.of(observations, references) if images is not None else None
        self._noise = noise if images is not None else torch.zeros_like(noise)  # (O,)

    @cached_property
    def _gap(self) -> Tensor:
        """Return (O,) the gaps of the coarse samples; only whole surfaces are judged by them."""
        return _gaps(self._observations.points[:, :COARSE_COVERING_POINTS])

    def coarse(self, hypotheses: Hypotheses) -> tuple[Hypotheses, Evidence]:
        """Align all hypotheses on few points and judge them leniently."""
        points = self._points(hypotheses, self._config.coarse_points)
        steps = self._steps(hypotheses, PART_COARSE if self._partial else COARSE)
        aligned = align(self._references.field, hypotheses, points, steps)
        residual, inliers = fit(self._distances(aligned, self._config.coarse_points),
                                COARSE_LENIENCE * self._tolerance(aligned, self._config.tolerance))
        coverage, _ = self._coverage(aligned, COARSE_PROBES, COARSE_COVERING_POINTS)
        return aligned, Evidence(residual_m=residual, inlier_share=inliers, coverage=coverage,
                                 deviation=torch.zeros_like(residual),
                                 likelihood_ratio=torch.ones_like(residual))

    def fine(self, hypotheses: Hypotheses) -> tuple[Hypotheses, Evidence]:
        """Align hypotheses that survived on more points and judge them."""
        points = self._points(hypotheses, self._config.fine_points)
        aligned = align(self._references.field, hypotheses, points, self._steps(hypotheses, FINE),
                        self.front_facing)
        return aligned, self.judge(aligned).with_likelihood_ratio(len(self._observations))

    def accept_refined(self, refined: Hypotheses, chosen: Tensor, hypotheses: Hypotheses,
              evidence: Evidence) -> tuple[Hypotheses, Evidence]:
        """Put refined poses (K,) in the places `chosen` (K,) they came from, where they fit.

        A registration that converged elsewhere, or slid along a surface, is not taken.
        """
        judged = self.judge(refined)
        before = evidence.take(chosen)
        least = before.support + math.log(SLACK) - NOISE_SLACK * before.deviation
        good = (judged.support >= least).nonzero().squeeze(1)
        index, refined, judged = chosen[good], refined.take(good), judged.take(good)
        R, t = hypotheses.R.index_copy(0, index, refined.R), hypotheses.t.index_copy(
            0, index, refined.t)
        return hypotheses.moved(R, t), evidence.put(index, judged).with_likelihood_ratio(
            len(self._observations))

    def best(self, hypotheses: Hypotheses, evidence: Evidence, count: int) -> Tensor:
        """Return the indices (O * count,) of the best hypotheses, observation by observation.

        Every observation must have equally many hypotheses, in the order of the observations.
        """
        scores = evidence.score.unflatten(0, (len(self._observations), -1))
        index = scores.topk(min(count, scores.shape[1]), dim=1).indices
        first = scores.shape[1] * torch.arange(len(scores), device=index.device)
        return (index + first[:, None]).flatten()

    def kept(self, hypotheses: Hypotheses, evidence: Evidence) -> Tensor:
        """Return the indices (K,) of what the coarse stage leaves for the fine one."""
        whole = self._images is None
        return self.best(hypotheses, evidence,
                         self._config.whole_keep if whole else self._config.keep)

    def refinement_candidates(self, hypotheses: Hypotheses, evidence: Evidence) -> Tensor:
        """Return the indices (K,) of what is worth polishing: few, and near their best."""
        index = self.best(hypotheses, evidence, self._config.refine)
        scores = evidence.score.unflatten(0, (len(self._observations), -1)).amax(dim=1)
        best = scores[hypotheses.observation[index]]
        return index[evidence.score[index] >= CONTENDER * best]

    def suppress_duplicates(self, hypotheses: Hypotheses, evidence: Evidence) -> Evidence:
        """Return the evidence with every hypothesis silenced that a better one nearly equals.

        Many starts end in one pose; what is left are the different explanations.
        """
        scores = evidence.score.unflatten(0, (len(self._observations), -1))  # (O, K)
        rows = hypotheses.reshaped(scores.shape)
        diameter = self._references.diameter[rows.reference]
        flat = rows.R.flatten(2)
        near = flat @ flat.transpose(1, 2) > SAME_TRACE
        near &= rows.reference[:, :, None] == rows.reference[:, None]
        near &= torch.cdist(rows.t, rows.t) < SAME_DIAMETERS * diameter[..., None]
        better = scores[:, None, :] > scores[:, :, None]
        order = torch.arange(scores.shape[1], device=scores.device)
        tied = (scores[:, None, :] == scores[:, :, None]) & (order < order[:, None])
        suppressed = (near & (better | tied)).any(dim=2).flatten()
        return evidence.without(suppressed)

    def judge(self, hypotheses: Hypotheses) -> Evidence:
        """Return the evidence for and against hypotheses as they are, on all sampled points."""
        tolerance = self._tolerance(hypotheses, self._config.tolerance)
        diameter = self._references.diameter[hypotheses.reference]
        distance = self._distances(hypotheses, None)
        residual, inliers = fit(distance, tolerance)
        deviation = deviation_m(distance, diameter)
        coverage, missed = self._coverage(hypotheses, None, COVERING_POINTS)
        if missed is not None and not self._partial:
            deviation = deviation + deviation_m(missed, diameter)
        return Evidence(residual_m=residual, inlier_share=inliers, coverage=coverage,
                        deviation=deviation / (LIKELIHOOD_TOLERANCES * tolerance),
                        likelihood_ratio=torch.ones_like(residual))

    def _distances(self, hypotheses: Hypotheses, count: int | None) -> Tensor:
        """Return (H, n) how far the first `count` points are from the surface, all for None."""
        return disc_distance(self._references.field, hypotheses.reference,
                             hypotheses.transform(self._points(hypotheses, count)))

    def _coverage(self, hypotheses: Hypotheses, probes: int | None, points: int
                  ) -> tuple[Tensor, Tensor | None]:
        """Return (H,) the share of expected surface that was found, on the first `probes`.

        Of whole surfaces also how far the nearest of the first `points` is from each, (H, K).
        """
        stack = self._references.with_probes(probes)
        tolerance = self._tolerance(hypotheses, self._config.depth_tolerance)
        if self._images is not None:
            return view_coverage(hypotheses, self._images, stack, tolerance), None
        clouds = self._observations.points[:, :points]
        # The gaps of a sampled surface shrink with the root of the number of samples.
        gap = self._gap * math.sqrt(COARSE_COVERING_POINTS / points)
        missed = probe_distances(hypotheses, clouds, stack)
        return full_coverage(missed, tolerance + gap[hypotheses.observation]), missed

    def _tolerance(self, hypotheses: Hypotheses, diameters: float) -> Tensor:
        """Return (H,) a share of the reference's diameter, at least the noise there."""
        diameter = self._references.diameter[hypotheses.reference]
        # Far away, or in other units than metres, the noise must not swallow the object.
        noise = torch.minimum(self._noise[hypotheses.observation], MOST_NOISE * diameter)
        return torch.maximum(diameters * diameter, noise)

    def _points(self, hypotheses: Hypotheses, count: int | None) -> Tensor:
        return self._observations.points[hypotheses.observation, :count]

    def _steps(self, hypotheses: Hypotheses, diameters: tuple[float, ...]) -> list[Tensor]:
        diameter = self._references.diameter[hypotheses.reference]
        return [tolerance * diameter for tolerance in diameters]


def _gaps(points: Tensor) -> Tensor:
    """Return (O,) the typical distance between neighbours of clouds (O, n, 3).

    About so far from its nearest sample a point of the sampled surface may be.
    """
    distances = torch.cdist(points, points)
    distances.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    return distances.amin(dim=2).median(dim=1).values
