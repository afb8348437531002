"""The pose estimator: observations and references in, verified relative poses out.

estimator = PoseEstimator()
mug = estimator.reference_from_model(read_model('mug.ply'), name='mug')
best = estimator.estimate(points, [mug])[0]     # points (N, 3), metres, camera at the origin
best.T_observation_reference                    # maps the mug's coordinates into the camera's
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import torch

from pointpng_core.embedding.devices import torch_device
from pointpng_core.embedding.model_zoo import TRAINING_FREE, EmbeddingModel, load_model
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.cascade import Run, in_passes
from pointpng_core.estimation.confidence import default_calibration
from pointpng_core.estimation.config import EstimatorConfig, with_encoder_sample_size
from pointpng_core.estimation.observation_kind import ObservationKind, may_be_single_view
from pointpng_core.estimation.observations import prepare_observations
from pointpng_core.estimation.registration.exact_icp import refine
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.registration.local_refinement import (
    PoseTracker,
    check_previous,
    hypotheses_at,
)
from pointpng_core.estimation.request import Task
from pointpng_core.estimation.search.proposals import PoseSearch
from pointpng_core.estimation.search.uniform_seeds import spread_hypotheses
from pointpng_core.estimation.summary import pose_of, summarise
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimation.verification.depth_images import DepthImages
from pointpng_core.estimation.verification.evidence import Evidence
from pointpng_core.estimation.verification.verifier import Verifier
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.reference import Reference, ReferenceBuilder
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.disk_cache import ReferenceCache
from pointpng_core.timing import StageTimer


class PoseEstimator:
    """Finds references in observations; one instance serves any number, in one thread."""

    def __init__(self, *, config: EstimatorConfig | None = None, device: str = 'cpu',
                 cache_dir: Path | None = None,
                 model: str | Path | EmbeddingModel = TRAINING_FREE) -> None:
        """Prepare for a torch device; `cache_dir` keeps built references between runs.

        `model` drives the search: what `load_model` takes, or what it returned for that device.
        Raises ConfigError or FileError for a device or model that cannot be used.
        """
        self.device = torch_device(device)
        self.model = model if isinstance(model, EmbeddingModel) else load_model(model, self.device)
        encoder = self.model.encoder
        self.config = with_encoder_sample_size(config or EstimatorConfig(), encoder.points)
        self._search = PoseSearch(encoder=encoder, cope=self.model.cope,
                                  config=self.config.search, device=self.device)
        builder = ReferenceBuilder(encoder=encoder, config=self.config.reference,
                                   device=self.device)
        self._references = ReferenceCache(
            builder, folder=Path(cache_dir) if cache_dir else None)
        self._stack: tuple[tuple[Reference, ...], ReferenceStack] | None = None

    def reference_from_model(self, model: TriangleMesh | NDArray[np.floating], *, name: str,
                             symmetry: Symmetry | None = None) -> Reference:
        """Prepare a mesh, or points (N, 3) covering a whole surface; raises CloudError.

        Without a `symmetry` it is discovered from the surface; `Symmetry()` says there is none.
        """
        return self._references.from_model(model, name=name, symmetry=symmetry)

    def reference_from_view(self, points: NDArray[np.floating], *, name: str, keep: bool = True
                            ) -> Reference:
        """Prepare what a camera at the origin sees of an object, (N, 3); raises CloudError.

        The reference's frame has the camera's axes and its origin at the centroid of the points.
        Without `keep` it is not written to `cache_dir`: a look that serves for one frame.
        """
        source = self._references if keep else self._references.builder
        return source.from_view(points, name=name)

    def estimate(self, observation: NDArray[np.floating], references: Sequence[Reference]
                 ) -> list[PoseEstimate]:
        """Return the poses of the references in one observation (N, 3), best first.

        A reference that others clearly beat in the coarse stage is left out; with one reference
        there is always one estimate. Raises CloudError when the cloud fixes no pose.
        """
        return self.estimate_batch([observation], references)[0]

    @torch.inference_mode()
    def estimate_batch(self, observations: Sequence[NDArray[np.floating]],
                       references: Sequence[Reference], *,
                       scene_points: NDArray[np.floating] | None = None,
                       viewpoint: str | None = None) -> list[list[PoseEstimate]]:
        """Return for each observation (N, 3) what `estimate` returns, all in one batch.

        `scene_points` (M, 3) are finite points of the whole frame: they tell a surface that is
        hidden behind something from one that is not there. `viewpoint` stands in for the
        configured one. Raises CloudError, ConfigError.
        """
        if not references:
            raise ConfigError('no references: give at least one to look for')
        if not observations:
            return []
        task = self._task(observations, references, scene_points, sample=self.config.sample)
        return self._pose(task, viewpoint, self._run, parts=True)

    def track(self, observation: NDArray[np.floating], reference: Reference,
              T_previous: NDArray[np.float64], *,
              scene_points: NDArray[np.floating] | None = None, viewpoint: str | None = None
              ) -> PoseEstimate | None:
        """Return the pose of a reference in points (N, 3) near a previous one; None: it is lost.

        T_previous is T_observation_reference (4, 4) of the frame before, or what is expected now.
        Nothing is searched. Of the poses that the reference's symmetry makes equal, the one
        nearest to the previous is returned. `PoseTrackingConfig` tells what counts as lost.
        """
        return self.track_batch([observation], [reference], [T_previous],
                                scene_points=scene_points, viewpoint=viewpoint)[0]

    @torch.inference_mode()
    def track_batch(self, observations: Sequence[NDArray[np.floating]],
                    references: Sequence[Reference], T_previous: Sequence[NDArray[np.float64]], *,
                    scene_points: NDArray[np.floating] | None = None,
                    viewpoint: str | None = None) -> list[PoseEstimate | None]:
        """Return for each observation, with its reference and previous pose, what `track` does.

        All in one batch; the other arguments are those of `estimate_batch`. Raises CloudError,
        ConfigError.
        """
        check_previous(T_previous, references, len(observations))
        if not observations:
            return []
        task = self._placed(observations, references, T_previous, scene_points)
        found = self._pose(task, viewpoint, self._follow)
        tracker = PoseTracker(config=self.config.tracking)
        return [tracker.gated(estimates[0], reference, T) if estimates else None
                for estimates, reference, T in zip(found, references, T_previous)]

    @torch.inference_mode()
    def judge_batch(self, observations: Sequence[NDArray[np.floating]],
                    references: Sequence[Reference],
                    T_observation_reference: Sequence[NDArray[np.float64]], *,
                    scene_points: NDArray[np.floating] | None = None,
                    viewpoint: str | None = None) -> list[float]:
        """Return how much the given poses (4, 4) explain as they are: scores in [0, 1].

        One reference and one pose for each observation (N, 3); the other arguments are those of
        `estimate_batch`. Raises CloudError, ConfigError.
        """
        check_previous(T_observation_reference, references, len(observations))
        if not observations:
            return []
        task = self._placed(observations, references, T_observation_reference, scene_points)
        found = self._pose(task, viewpoint, self._judge)
        return [estimates[0].score if estimates else 0.0 for estimates in found]

    @torch.inference_mode()
    def estimate_by_embedding(self, observation: NDArray[np.floating], reference: Reference
                              ) -> NDArray[np.float64]:
        """Return T_observation_reference (4, 4) as the search proposes it first, unverified.

        What the embedding alone makes of points (N, 3), a view or a whole surface. Raises
        CloudError.
        """
        batch = prepare_observations([observation], sample=self.config.sample, device=self.device)
        view = may_be_single_view(batch.clouds[0], self.config.viewpoint)
        best, _ = self._search.propose(batch, [reference], single_view=view)
        return pose_of(best.R[0].double().cpu().numpy(), best.t[0].double().cpu().numpy(),
                       batch.centroids[0], reference.centre)

    def _placed(self, observations: Sequence[NDArray[np.floating]],
                references: Sequence[Reference], T: Sequence[NDArray[np.float64]],
                scene_points: NDArray[np.floating] | None) -> Task:
        """Return the task that begins at a pose (4, 4) of one reference in each observation."""
        # A library that was searched is stacked already: most of the time these are of it.
        known = self._stack[0] if self._stack else ()
        together = known if set(references) <= set(known) else tuple(dict.fromkeys(references))
        task = self._task(observations, together, scene_points, sample=self.config.tracking.sample)
        return replace(task, rows=[together.index(reference) for reference in references],
                       T_previous=T)

    def _task(self, observations: Sequence[NDArray[np.floating]], references: Sequence[Reference],
              scene_points: NDArray[np.floating] | None, *, sample: int) -> Task:
        timer = StageTimer()
        with timer('prepare'):
            batch = prepare_observations(observations, sample=sample, device=self.device)
        return Task(observations=batch, references=references, scene_points=scene_points,
                    timer=timer)

    def _pose(self, task: Task, viewpoint: str | None, run: Run, *, parts: bool = False
              ) -> list[list[PoseEstimate]]:
        # Replacing it in the configuration checks the name.
        config = replace(self.config, viewpoint=viewpoint or self.config.viewpoint)
        return in_passes(task, config.viewpoint, run, parts=parts)

    def _run(self, task: Task) -> list[list[PoseEstimate]]:
        """Search, verify and polish: all observations of one kind in one batch."""
        timer = task.timer
        with timer('search'):
            hypotheses = self._proposed(task)
        verifier = self._verifier(task)
        with timer('coarse'):
            hypotheses, evidence = verifier.coarse(hypotheses)
            evidence = verifier.suppress_duplicates(hypotheses, evidence)
            best = verifier.kept(hypotheses, evidence)
        with timer('fine'):
            hypotheses, evidence = verifier.fine(hypotheses.take(best))
            evidence = verifier.suppress_duplicates(hypotheses, evidence)
        with timer('polish'):
            index = verifier.refinement_candidates(hypotheses, evidence)
            refined = self._refined(hypotheses.take(index), task, verifier)
            hypotheses, evidence = verifier.accept_refined(refined, index, hypotheses, evidence)
        return self._summarised(hypotheses, evidence, task)

    def _proposed(self, task: Task) -> Hypotheses:
        if task.shown is ObservationKind.PARTIAL_SURFACE:
            return spread_hypotheses(task.observations, references=len(task.references),
                                     count=self.config.search.part_starts)
        hypotheses, _ = self._search.propose(task.observations, task.references,
                                             single_view=task.shown is ObservationKind.SINGLE_VIEW)
        return hypotheses

    def _follow(self, task: Task) -> list[list[PoseEstimate]]:
        """Refine and judge the previous poses of all observations of one kind."""
        hypotheses = hypotheses_at(task.T_previous, task.observations, task.references, task.rows)
        verifier = self._verifier(task)
        tracker = PoseTracker(config=self.config.tracking)
        with task.timer('fine'):
            coarse = tracker.refine(hypotheses, task.observations,
                                     self._stacked(task.references), verifier.front_facing)
        with task.timer('polish'):
            exact = self._refined(coarse, task, verifier)
        with task.timer('judge'):
            hypotheses, evidence = tracker.better(coarse, exact, verifier)
        return self._summarised(hypotheses, evidence, task)

    def _refined(self, hypotheses: Hypotheses, task: Task, verifier: Verifier) -> Hypotheses:
        return refine(hypotheses, task.observations, task.references,
                      self._stacked(task.references), verifier.front_facing,
                      both_ways=self.config.verification.both_ways
                      and task.shown is ObservationKind.FULL_SURFACE)

    def _judge(self, task: Task) -> list[list[PoseEstimate]]:
        """Judge poses of all observations of one kind as they are."""
        hypotheses = hypotheses_at(task.T_previous, task.observations, task.references, task.rows)
        evidence = self._verifier(task).judge(hypotheses)
        return self._summarised(hypotheses, evidence, task)

    def _summarised(self, hypotheses: Hypotheses, evidence: Evidence, task: Task
                    ) -> list[list[PoseEstimate]]:
        return summarise(hypotheses, evidence, task.observations, task.references,
                         task.timer.stage_ms, field=self._stacked(task.references).field,
                         calibration=default_calibration(), depth_noise=self.config.depth_noise,
                         single_view=task.shown is ObservationKind.SINGLE_VIEW)

    def _verifier(self, task: Task) -> Verifier:
        with task.timer('prepare'):
            images = None
            if task.shown is ObservationKind.SINGLE_VIEW:
                images = DepthImages.from_clouds(task.observations.clouds, self.device,
                                                 task.scene_points)
            return Verifier(config=self.config.verification, depth_noise=self.config.depth_noise,
                            observations=task.observations,
                            references=self._stacked(task.references), images=images,
                            partial=task.shown is ObservationKind.PARTIAL_SURFACE)

    def _stacked(self, references: Sequence[Reference]) -> ReferenceStack:
        """Return the references side by side; a node asks for the same ones again and again."""
        if self._stack is None or self._stack[0] != tuple(references):
            self._stack = tuple(references), ReferenceStack.of(references)
        return self._stack[1]
