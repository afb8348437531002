"""The pose estimator: observations and references in, verified relative poses out.

estimator = PoseEstimator()
mug = estimator.reference_from_model(read_model('mug.ply'), name='mug')
best = estimator.estimate(points, [mug])[0]     # points (N, 3), metres, camera at the origin
best.T_observation_reference                    # maps the mug's coordinates into the camera's

The algorithm, for a batch of observations and references whose embeddings z are known:

For each strategy - single view, full surface, partial surface - until a pose convinces:
1. search     encode the observation once; propose the rotations R under which Theta_R z, of all
              references, fits its embedding best
2. coarse     register all proposals on few points; judge; suppress duplicates; keep the best
3. fine       register those on more points; judge; suppress duplicates
4. refine     register the best by exact ICP; accept what fits as well as before
5. summarise  group by reference, calibrate the confidence, list other poses and objects
"""

from collections.abc import Sequence
import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import torch

from pointpng_core.embedding.devices import torch_device
from pointpng_core.embedding.model_zoo import TRAINING_FREE, EmbeddingModel, load_model
from pointpng_core.errors import ConfigError
from pointpng_core.estimation import stray
from pointpng_core.estimation.confidence import default_calibration
from pointpng_core.estimation.config import EstimatorConfig, with_encoder_sample_size
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Request, prepare_observations
from pointpng_core.estimation.registration.local_refinement import PoseTracker, check_previous
from pointpng_core.estimation.registration.stages import Registration
from pointpng_core.estimation.search.proposals import PoseSearch
from pointpng_core.estimation.sensor import CloudLike, Sensor, ViewpointLike
from pointpng_core.estimation.strategies import (
    KEPT_REFERENCES,
    STRATEGIES,
    TRACKING_STRATEGIES,
    Run,
    Strategy,
    cascade,
)
from pointpng_core.estimation.summary import summarise
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimation.verification.verifier import Verifier
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.reference import Reference, ReferenceBuilder
from pointpng_core.reference.batch import ReferenceMemo, ReferenceStack
from pointpng_core.reference.disk_cache import ReferenceCache
from pointpng_core.timing import StageTimer


class PoseEstimator:
    """Estimates the poses of references in observations, which are clouds of single objects.

    One instance serves any number of references and observations, but only one thread.
    """

    def __init__(self, *, config: EstimatorConfig | None = None, device: str = 'cpu',
                 cache_dir: Path | None = None,
                 model: str | Path | EmbeddingModel = TRAINING_FREE) -> None:
        """Create an estimator for a torch device; built references are kept in `cache_dir`.

        `model` is the embedding of the search: an argument of `load_model`, or its result for the
        same device. Raises ConfigError or FileError for a device or model that cannot be used.
        """
        self.device = torch_device(device)
        self.model = model if isinstance(model, EmbeddingModel) else load_model(model, self.device)
        encoder = self.model.encoder
        self.config = with_encoder_sample_size(config or EstimatorConfig(), encoder.points)
        self._search = PoseSearch(encoder=encoder, cope=self.model.cope,
                                  config=self.config.search, device=self.device)
        self._tracker = PoseTracker(config=self.config.tracking)
        builder = ReferenceBuilder(encoder=encoder, config=self.config.reference,
                                   device=self.device)
        self._references = ReferenceCache(
            builder, folder=Path(cache_dir) if cache_dir else None)
        self._stacks = ReferenceMemo(ReferenceStack.of)

    def with_depth_noise(self, depth_noise: DepthNoise) -> 'PoseEstimator':
        """Return this estimator for frames with another noise; both share all that is built."""
        if depth_noise == self.config.depth_noise:
            return self
        other = copy.copy(self)
        other.config = replace(self.config, depth_noise=depth_noise)
        return other

    def reference_from_model(self, model: TriangleMesh | NDArray[np.floating], *, name: str,
                             symmetry: Symmetry | None = None) -> Reference:
        """Return the reference of a mesh, or of points (N, 3) that cover a full surface; metres.

        Without a `symmetry` it is detected on the surface; `Symmetry()` means that there is none.
        Raises CloudError.
        """
        return self._search.prepared(self._references.from_model(
            stray.model_without(model, name=name), name=name, symmetry=symmetry))

    def reference_from_view(self, points: CloudLike, *, name: str, keep: bool = True
                            ) -> Reference:
        """Return the reference of points (N, 3), metres, that a camera at the origin measured.

        The reference's frame has the camera's axes and its origin at the centroid of the points.
        With `keep` False it is not written to `cache_dir`. Raises CloudError.
        """
        source = self._references if keep else self._references.builder
        view = stray.view_without(points)
        return self._search.prepared(source.from_view(view.sensor_points, name=name))

    def estimate(self, observation: CloudLike, references: Sequence[Reference], *,
                 scene_points: NDArray[np.floating] | None = None,
                 viewpoint: ViewpointLike | None = None) -> list[PoseEstimate]:
        """Return the poses of the references in one observation (N, 3), metres, best first.

        A reference that others clearly beat in the coarse stage is left out; with one reference
        there is always one estimate. What can't be the object's is left out with a warning. The
        other arguments are those of `estimate_batch`. Raises CloudError.
        """
        observed = stray.observation_without(observation, references)
        return self.estimate_batch([observed], references, scene_points=scene_points,
                                   viewpoint=viewpoint)[0]

    @torch.inference_mode()
    def estimate_batch(self, observations: Sequence[CloudLike],
                       references: Sequence[Reference], *,
                       scene_points: NDArray[np.floating] | None = None,
                       viewpoint: ViewpointLike | None = None) -> list[list[PoseEstimate]]:
        """Return for each observation (N, 3), taken as it is, what `estimate` returns; one batch.

        Observations may be `PointCloud`s; the sensor is where they say, unless `viewpoint` does.
        `scene_points` (M, 3) are finite points of the whole frame: they distinguish surface that
        is occluded from surface that is missing. `viewpoint` overrides the configured one: a
        Viewpoint or its value, the position (3,) of the sensor, or its pose T_cloud_sensor (4, 4);
        all points and poses are in one and the same frame. Raises CloudError, ConfigError.
        """
        if not references:
            raise ConfigError('no references: give at least one to search for')
        if not observations:
            return []
        request = self._request(observations, references, scene_points, viewpoint,
                                sample=self.config.sample)
        return self._cascade(request, self._estimate, STRATEGIES)

    def _estimate(self, request: Request, strategy: Strategy) -> list[list[PoseEstimate]]:
        """Search, register, verify and refine all observations of a request in one batch."""
        timer, config = request.timer, self.config.verification
        with timer('search'):
            hypotheses = strategy.propose(self._search, request)
        registration, verifier = self._parts(request, strategy)
        with timer('coarse'):
            candidates = verifier.coarse(registration.coarse(hypotheses))
            keep = strategy.keep(config, len(request.references))
            hypotheses = candidates.kept(keep, references=KEPT_REFERENCES)
        with timer('fine'):
            candidates = verifier.fine(registration.fine(hypotheses))
        with timer('refine'):
            index = candidates.refinement_candidates(config.refinement_candidates)
            refined = registration.refine(candidates.hypotheses.take(index))
            candidates = candidates.accept_refined(verifier.judged(refined), index)
        return summarise(candidates, request, strategy, default_calibration())

    def track(self, observation: CloudLike, reference: Reference,
              T_previous: NDArray[np.float64], *,
              scene_points: NDArray[np.floating] | None = None,
              viewpoint: ViewpointLike | None = None) -> PoseEstimate | None:
        """Return the pose of a reference in points (N, 3) near a previous one, or None if lost.

        T_previous is T_observation_reference (4, 4) of the frame before, or the one expected now;
        it is refined without a search. Among the poses that the reference's symmetry makes
        equivalent, the nearest to the previous one is returned. `PoseTrackingConfig` defines when
        a pose is lost.
        """
        return self.track_batch([stray.observation_without(observation, [reference])], [reference],
                                [T_previous], scene_points=scene_points, viewpoint=viewpoint)[0]

    @torch.inference_mode()
    def track_batch(self, observations: Sequence[CloudLike],
                    references: Sequence[Reference], T_previous: Sequence[NDArray[np.float64]], *,
                    scene_points: NDArray[np.floating] | None = None,
                    viewpoint: ViewpointLike | None = None) -> list[PoseEstimate | None]:
        """Return for each observation, with its reference and previous pose, what `track` returns.

        The batch is computed at once; the other arguments are those of `estimate_batch`. Raises
        CloudError, ConfigError.
        """
        check_previous(T_previous, references, len(observations))
        if not observations:
            return []
        request = self._request_at(observations, references, T_previous, scene_points, viewpoint)
        found = self._cascade(request, self._track, TRACKING_STRATEGIES)
        return [self._tracker.gated(estimates[0], reference, T) if estimates else None
                for estimates, reference, T in zip(found, references, T_previous)]

    def _track(self, request: Request, strategy: Strategy) -> list[list[PoseEstimate]]:
        """Register and judge the given poses of all observations of a request in one batch."""
        hypotheses = self._given(request)
        registration, verifier = self._parts(request, strategy)
        with request.timer('fine'):
            hypotheses = self._tracker.register(hypotheses, registration)
        with request.timer('refine'):
            refined = registration.refine(hypotheses)
        with request.timer('judge'):
            candidates = verifier.better(hypotheses, refined)
        return summarise(candidates, request, strategy, default_calibration())

    @torch.inference_mode()
    def judge_batch(self, observations: Sequence[CloudLike],
                    references: Sequence[Reference],
                    T_observation_reference: Sequence[NDArray[np.float64]], *,
                    scene_points: NDArray[np.floating] | None = None,
                    viewpoint: ViewpointLike | None = None) -> list[PoseEstimate | None]:
        """Return estimates at given poses (4, 4), as they are; None where nothing is explained.

        Each observation (N, 3) has one reference and one pose, and no alternatives; the other
        arguments are those of `estimate_batch`. Raises CloudError, ConfigError.
        """
        check_previous(T_observation_reference, references, len(observations))
        if not observations:
            return []
        request = self._request_at(observations, references, T_observation_reference, scene_points,
                                   viewpoint)
        found = self._cascade(request, self._judge, TRACKING_STRATEGIES)
        return [estimates[0] if estimates else None for estimates in found]

    def _judge(self, request: Request, strategy: Strategy) -> list[list[PoseEstimate]]:
        """Judge the given poses of all observations of a request in one batch."""
        _, verifier = self._parts(request, strategy)
        candidates = verifier.judged(self._given(request))
        return summarise(candidates, request, strategy, default_calibration())

    @torch.inference_mode()
    def estimate_by_embedding(self, observation: CloudLike, reference: Reference
                              ) -> NDArray[np.float64]:
        """Return T_observation_reference (4, 4), the best proposal of the search, unverified.

        It depends only on the embedding of points (N, 3), a view or a full surface. Raises
        CloudError.
        """
        observation = stray.observation_without(observation, [reference])
        request = self._request([observation], [reference], None, None, sample=self.config.sample)
        cloud = request.observations.clouds[0]
        strategy = next(each for each in STRATEGIES
                        if each.applies(cloud, request.sensor.viewpoint, []))
        hypotheses = strategy.propose(self._search, request)
        T: NDArray[np.float64] = hypotheses.to_poses(request.observations, [reference])[0]
        return T

    def _cascade(self, request: Request, run: Run, strategies: Sequence[Strategy]
                 ) -> list[list[PoseEstimate]]:
        """Return the estimates of each observation, in the caller's frame."""
        sensor = request.sensor
        return [[sensor.in_cloud(estimate) for estimate in estimates]
                for estimates in cascade(request, sensor.viewpoint, run, strategies)]

    def _parts(self, request: Request, strategy: Strategy) -> tuple[Registration, Verifier]:
        """Return the strategy's registration and verification."""
        config = self.config.verification
        with request.timer('prepare'):
            return strategy.registration(request, config), strategy.verifier(request, config)

    def _given(self, request: Request) -> Hypotheses:
        return Hypotheses.from_poses(request.T_given, request.observations, request.references,
                                     request.reference_index)

    def _request(self, observations: Sequence[CloudLike],
                 references: Sequence[Reference], scene_points: NDArray[np.floating] | None,
                 viewpoint: ViewpointLike | None, *, sample: int) -> Request:
        timer = StageTimer()
        with timer('prepare'):
            sensor = Sensor.known(viewpoint, observations, default=self.config.viewpoint)
            batch = prepare_observations([sensor.local(PointCloud.of(cloud).points)
                                          for cloud in observations],
                                         sample=sample, device=self.device)
            around = None if scene_points is None else sensor.local(scene_points)
            stack = self._stacks.of(references)
        return Request(observations=batch, depth_noise=self.config.depth_noise,
                       references=references, stack=stack, scene_points=around,
                       sensor=sensor, timer=timer)

    def _request_at(self, observations: Sequence[CloudLike],
                    references: Sequence[Reference], T: Sequence[NDArray[np.float64]],
                    scene_points: NDArray[np.floating] | None,
                    viewpoint: ViewpointLike | None) -> Request:
        """Return the request with a given pose (4, 4) of one reference in each observation."""
        # A library that was searched is stacked already: most of the time these are part of it.
        known = self._stacks.references
        together = known if set(references) <= set(known) else tuple(dict.fromkeys(references))
        request = self._request(observations, together, scene_points, viewpoint,
                                sample=self.config.tracking.sample)
        given = [request.sensor.local_pose(each) for each in T]
        return replace(request, T_given=given, reference_index=[together.index(reference)
                                                            for reference in references])
