"""Registration of hypotheses on the points: coarse ICP, fine ICP, and refinement by exact ICP."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.estimation.config import VerificationConfig
from pointpng_core.estimation.fair_selection import best_with_places
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Request
from pointpng_core.estimation.registration.exact_icp import refine_surfaces, refine_views
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.icp import align, disc_distance
from pointpng_core.geometry.depth_noise import MAX_NOISE_DIAMETERS

COARSE = (0.12, 0.08, 0.05)
"""Tolerances of the coarse steps, in diameters: wide enough for half a grid step of rotation."""
WIDE_COARSE = (0.2, 0.2, 0.15, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.05)
"""Tolerances from uniform starts, which are further from the pose, as are the centroids of partial
surfaces."""
SCREENED_POINTS = 64
"""Points of a view by which many hypotheses are compared after the first coarse step."""
SCREENED_REFERENCES = 12
"""References that keep at least one hypothesis then."""
SCREENING_TOLERANCES = 2.0
"""Tolerances at which a point counts half in their comparison after it: none has converged yet."""
FINE = (0.03, 0.02, 0.013)
"""Tolerances of the fine steps, in diameters."""


@dataclass(frozen=True, kw_only=True)
class Registration(ABC):
    """Registers hypotheses of the observations of a request on its references."""

    request: Request
    config: VerificationConfig
    coarse_tolerances: Sequence[float] = COARSE
    """One step of the coarse ICP for each, in diameters."""

    def coarse(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return all hypotheses after the coarse ICP, on few points, whichever way they face."""
        return self._align(hypotheses, self.config.coarse_points, self.coarse_tolerances)

    def fine(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return hypotheses after the fine ICP, on more points."""
        return self.align(hypotheses, points=self.config.fine_points, tolerances=FINE)

    @abstractmethod
    def align(self, hypotheses: Hypotheses, *, points: int, tolerances: Sequence[float]
              ) -> Hypotheses:
        """Return hypotheses after one ICP step per tolerance in diameters, on leading points."""

    @abstractmethod
    def refine(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return hypotheses registered by exact ICP on all sampled points."""

    def _align(self, hypotheses: Hypotheses, count: int, tolerances: Sequence[float],
               front_facing: FrontFacing | None = None) -> Hypotheses:
        request = self.request
        # In memory as (H, 3, n), as all that `align` computes.
        rows = request.observations.points[:, :count].transpose(1, 2).contiguous()
        points = rows.index_select(0, hypotheses.observation).transpose(1, 2)
        return align(request.stack.field, hypotheses, points, self._metres(hypotheses, tolerances),
                     front_facing)

    def _metres(self, hypotheses: Hypotheses, diameters: Sequence[float]) -> list[Tensor]:
        diameter = self.request.stack.diameter[hypotheses.reference]
        return [tolerance * diameter for tolerance in diameters]


@dataclass(frozen=True, kw_only=True)
class ViewRegistration(Registration):
    """Registers single views: their points lie on surfaces that face the camera."""

    front_facing: FrontFacing
    noise_m: Tensor
    """(O,) error of the points of each observation: the least tolerance."""
    most: int
    """Hypotheses of each view that go through all coarse steps, the best after the first."""

    def coarse(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return the hypotheses (O, K) after the coarse ICP, without those that cannot win.

        One step tells which these are: of views of which the best of 228 hypotheses is right, 1 %
        has no hypothesis of the same pose among the best 72 after it (shared clutter).
        """
        if hypotheses.shape is None or hypotheses.shape[1] <= self.most:
            return super().coarse(hypotheses)
        first, *rest = self.coarse_tolerances
        hypotheses = self._align(hypotheses, self.config.coarse_points, (first,))
        fit = hypotheses.by_observation(self._fit(hypotheses))
        start = fit.shape[1] * torch.arange(len(fit), device=fit.device)[:, None]
        best = hypotheses.take(start + best_with_places(
            fit, hypotheses.by_observation(hypotheses.reference), self.most,
            references=SCREENED_REFERENCES))
        return self._align(best, self.config.coarse_points, rest)

    def _fit(self, hypotheses: Hypotheses) -> Tensor:
        """Return (H,) the mean weight of a few points, by their distance from the surface."""
        request, config = self.request, self.config
        points = request.observations.points[hypotheses.observation, :SCREENED_POINTS]
        distance = disc_distance(request.stack.field, hypotheses.reference,
                                 hypotheses.transform(points))
        diameter = request.stack.diameter[hypotheses.reference]
        noise = torch.minimum(self.noise_m[hypotheses.observation], MAX_NOISE_DIAMETERS * diameter)
        tolerance = SCREENING_TOLERANCES * torch.maximum(config.tolerance * diameter, noise)
        return (1.0 + (distance / tolerance[:, None]).square()).reciprocal().mean(1)

    def align(self, hypotheses: Hypotheses, *, points: int, tolerances: Sequence[float]
              ) -> Hypotheses:
        """Return hypotheses after one ICP step per tolerance, mostly on front-facing surface."""
        return self._align(hypotheses, points, tolerances, self.front_facing)

    def refine(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return hypotheses registered by exact ICP to front-facing surface."""
        request = self.request
        return refine_views(hypotheses, request.observations, request.references, request.stack,
                            self.front_facing)


@dataclass(frozen=True, kw_only=True)
class SurfaceRegistration(Registration):
    """Registers surfaces that were seen from several sides."""

    bidirectional: bool
    """Whether exact ICP also registers the reference to the observation."""

    def align(self, hypotheses: Hypotheses, *, points: int, tolerances: Sequence[float]
              ) -> Hypotheses:
        """Return hypotheses after one ICP step per tolerance on the nearest surface."""
        return self._align(hypotheses, points, tolerances)

    def refine(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return hypotheses registered by exact ICP, in both directions where configured."""
        request = self.request
        return refine_surfaces(hypotheses, request.observations, request.references,
                               request.stack, bidirectional=self.bidirectional)
