"""What an observation shows of a surface, and all that depends on it: one strategy for each kind.

A caller may restrict the kinds by the viewpoint; among those that are left, the cascade tries one
strategy after the other and keeps the estimates of the best score.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pointpng_core.estimation.config import VerificationConfig
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observation_kind import (
    ObservationKind,
    Viewpoint,
    may_be_single_view,
    may_be_surface,
)
from pointpng_core.estimation.observations import Request
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.stages import (
    COARSE,
    WIDE_COARSE,
    Registration,
    SurfaceRegistration,
    ViewRegistration,
)
from pointpng_core.estimation.search.proposals import PoseSearch
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimation.verification.coverage import SurfaceCoverage, ViewCoverage
from pointpng_core.estimation.verification.depth_images import DepthImages
from pointpng_core.estimation.verification.verifier import Verifier
from pointpng_core.geometry.depth_noise import (
    MAX_NOISE_DIAMETERS,
    SURFACE_NOISE_DIAMETERS,
    DepthNoise,
)

CONVINCING_SCORE = 0.8
"""A full surface taken for a single view scores less: half of it should not be visible."""
COMPLETE_COVERAGE = 0.8
"""A full surface covers this much of the reference even if sparse; one without a quarter less."""

SCREENED = 3
"""Hypotheses of a view that take all coarse steps, for each that goes on to the fine ones. In the
40 frames of the shared clutter as many objects are found as with all steps for all (196 and 197 of
299), and average recall is the same (.767 and .766)."""
KEPT_REFERENCES = 8
"""References of which at least the best hypothesis goes on to the fine steps. With places for many
references all along, 197 instead of 193 of 278 objects in clutter of other objects are found, with
2 instead of 4 false ones; balls were taken for other round objects."""


class Strategy(ABC):
    """How observations of one kind are posed: a stateless choice of parts."""

    kind: ClassVar[ObservationKind]

    @abstractmethod
    def applies(self, cloud: NDArray[np.float32], viewpoint: Viewpoint, found: list[PoseEstimate]
                ) -> bool:
        """Return whether to try points (N, 3), given the best estimates found so far.

        Raises CloudError where there can be no camera though `viewpoint` says so.
        """

    def batches(self, chosen: Sequence[int]) -> list[Sequence[int]]:
        """Return the observations to which the strategy applies, in batches."""
        return [chosen] if chosen else []

    @abstractmethod
    def propose(self, search: PoseSearch, request: Request) -> Hypotheses:
        """Return the hypotheses (O, K) that are worth registering."""

    @abstractmethod
    def registration(self, request: Request, config: VerificationConfig) -> Registration:
        """Return what registers hypotheses on the points."""

    @abstractmethod
    def verifier(self, request: Request, config: VerificationConfig) -> Verifier:
        """Return what judges registered hypotheses."""

    def keep(self, config: VerificationConfig, references: int) -> int:
        """Return how many hypotheses of each observation go on to the fine registration."""
        return config.full_surface_keep

    def point_error_m(self, depth_noise: DepthNoise, distance_m: NDArray[np.float64],
                      diameter_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (E,) the expected error of points at distances (E,) on references (E,)."""
        return SURFACE_NOISE_DIAMETERS * diameter_m


class SingleView(Strategy):
    """One view of a camera at the origin: it is known what the camera could not see."""

    kind = ObservationKind.SINGLE_VIEW

    def applies(self, cloud: NDArray[np.float32], viewpoint: Viewpoint, found: list[PoseEstimate]
                ) -> bool:
        """Return whether points (N, 3) may be a view of a camera at the origin."""
        return may_be_single_view(cloud, viewpoint)

    def propose(self, search: PoseSearch, request: Request) -> Hypotheses:
        """Return the best matches among the rendered views of the references."""
        return search.match_views(request.observations, request.references)[0]

    def registration(self, request: Request, config: VerificationConfig) -> Registration:
        """Return the registration to surfaces that face the camera."""
        return ViewRegistration(
            request=request, config=config, noise_m=_noise_m(request, config),
            front_facing=FrontFacing.of(request.observations, request.stack),
            most=SCREENED * self.keep(config, len(request.references)))

    def verifier(self, request: Request, config: VerificationConfig) -> Verifier:
        """Return the verification by depth images, within the noise of the camera.

        The distance of the centroid stands for depth; see `DepthNoise.sigma_m`.
        """
        observations = request.observations
        images = DepthImages.from_clouds(observations.clouds, observations.points.device,
                                         request.scene_points)
        return Verifier(request=request, config=config, noise_m=_noise_m(request, config),
                        coverage=ViewCoverage(images=images, stack=request.stack))

    def keep(self, config: VerificationConfig, references: int) -> int:
        """Return how many hypotheses of each view go on to the fine registration."""
        return config.keep + round(config.keep_per_reference * (references - 1))

    def point_error_m(self, depth_noise: DepthNoise, distance_m: NDArray[np.float64],
                      diameter_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (E,) the noise of a depth camera; distances (E,) from it stand for depths."""
        # Far away, or in other units than metres, the noise must not excuse everything.
        return np.minimum(np.asarray(depth_noise.sigma_m(distance_m), dtype=np.float64),
                          MAX_NOISE_DIAMETERS * diameter_m)


class FullSurface(Strategy):
    """The surface from all sides: what is missing counts against a pose."""

    kind = ObservationKind.FULL_SURFACE

    def applies(self, cloud: NDArray[np.float32], viewpoint: Viewpoint, found: list[PoseEstimate]
                ) -> bool:
        """Return whether no view has convinced."""
        return may_be_surface(viewpoint) and best_score(found) < CONVINCING_SCORE

    def propose(self, search: PoseSearch, request: Request) -> Hypotheses:
        """Return the rotations under which the embeddings agree best."""
        return search.match_surfaces(request.observations, request.references)[0]

    def registration(self, request: Request, config: VerificationConfig) -> Registration:
        """Return the registration to the nearest surface, bidirectional where configured."""
        return SurfaceRegistration(request=request, config=config, coarse_tolerances=COARSE,
                                   bidirectional=config.bidirectional)

    def verifier(self, request: Request, config: VerificationConfig) -> Verifier:
        """Return the verification in which missing surface makes a pose less likely."""
        return _surface_verifier(request, config, missing_deviates=True)


class PartialSurface(Strategy):
    """The surface from several sides with an unknown part missing: the scan of an object on a
    table, or the union of two cameras.
    """

    kind = ObservationKind.PARTIAL_SURFACE

    def applies(self, cloud: NDArray[np.float32], viewpoint: Viewpoint, found: list[PoseEstimate]
                ) -> bool:
        """Return whether what cannot be a view lacks much of the full surface."""
        incomplete = not found or found[0].coverage < COMPLETE_COVERAGE
        return incomplete and not may_be_single_view(cloud, viewpoint)

    def batches(self, chosen: Sequence[int]) -> list[Sequence[int]]:
        """Return the observations one by one: each has many starts, and there are few of them."""
        return [[index] for index in chosen]

    def propose(self, search: PoseSearch, request: Request) -> Hypotheses:
        """Return uniform rotations: too much is missing for the embedding to rank them."""
        return search.uniform(request.observations, request.references)

    def registration(self, request: Request, config: VerificationConfig) -> Registration:
        """Return the registration from far starts; never bidirectional, for a part is missing."""
        return SurfaceRegistration(request=request, config=config, coarse_tolerances=WIDE_COARSE,
                                   bidirectional=False)

    def verifier(self, request: Request, config: VerificationConfig) -> Verifier:
        """Return the verification in which missing surface lowers the coverage alone."""
        return _surface_verifier(request, config, missing_deviates=False)


TRACKING_STRATEGIES = (SingleView(), FullSurface())
"""Strategies for poses that are already known approximately."""
STRATEGIES = (*TRACKING_STRATEGIES, PartialSurface())
"""Strategies of the estimator, in the order in which they are tried."""
Run = Callable[[Request, Strategy], list[list[PoseEstimate]]]
"""Estimates the poses of all observations of a request by one strategy, in one batch."""


def cascade(request: Request, viewpoint: Viewpoint, run: Run, strategies: Sequence[Strategy]
            ) -> list[list[PoseEstimate]]:
    """Return for each observation the estimates of the strategy whose best one scores highest.

    Each strategy in turn is run for the observations to which it applies, given what was found
    before. Raises CloudError.
    """
    results: list[list[PoseEstimate]] = [[] for _ in request.observations.clouds]
    for strategy in strategies:
        chosen = [index for index, cloud in enumerate(request.observations.clouds)
                  if strategy.applies(cloud, viewpoint, results[index])]
        for batch in strategy.batches(chosen):
            for index, estimates in zip(batch, run(request.take(batch), strategy)):
                results[index] = max(results[index], estimates, key=best_score)
    return results


def _noise_m(request: Request, config: VerificationConfig) -> Tensor:
    """Return (O,) the least tolerance of each view, by the noise at its distance."""
    observations = request.observations
    distance_m = observations.points.new_tensor(np.linalg.norm(observations.centroids, axis=1))
    return config.noise_sigmas * request.depth_noise.sigma_m(distance_m)


def _surface_verifier(request: Request, config: VerificationConfig, *, missing_deviates: bool
                      ) -> Verifier:
    points = request.observations.points
    return Verifier(request=request, config=config, noise_m=points.new_zeros(len(points)),
                    coverage=SurfaceCoverage(points=points, stack=request.stack,
                                             missing_deviates=missing_deviates))


def best_score(estimates: list[PoseEstimate]) -> float:
    """Return the score of the best of sorted estimates, -1 where there is none."""
    return estimates[0].score if estimates else -1.0
