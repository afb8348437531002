"""The stages of an estimate on a device, each from the output of the stage before on the CPU."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.embedding.devices import move
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.observations import Request, prepare_observations
from pointpng_core.estimation.registration.exact_icp import refine_batched
from pointpng_core.estimation.registration.stages import Registration
from pointpng_core.estimation.search.proposals import PoseSearch
from pointpng_core.estimation.strategies import SingleView
from pointpng_core.estimation.verification.evidence import Evidence
from pointpng_core.estimation.verification.verifier import Verifier
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.device.agreement import Agreement
from pointpng_core.evaluation.speed.inference import BenchmarkScene
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.reference import Reference

SCORE = 5e-3
"""Allowed difference of a cosine, and of the median of shares of points."""
ANGLE_RAD = 5e-3
"""Allowed median angle between registrations from the same start; a few may converge to another
pose."""
LABELS = 0.07
"""Allowed share of observations whose estimate has another label: 1 of 16."""
ESTIMATE_SCORE = 0.02
"""Allowed median difference of the scores of whole estimates. It is larger than SCORE because
normals are fitted to other neighbours on the CPU, in a search tree, than on a GPU."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceSide:
    """An estimator on one device, with the references and clouds of a scene."""

    estimator: PoseEstimator
    references: Sequence[Reference]
    clouds: Sequence[NDArray[np.float32]]

    @torch.inference_mode()
    def search(self) -> tuple[Hypotheses, Tensor]:
        """Return proposals and their scores."""
        one = self.estimator
        search = PoseSearch(encoder=one.model.encoder, cope=one.model.cope,
                            config=one.config.search, device=one.device)
        request = self._request()
        return search.match_views(request.observations, request.references)

    @torch.inference_mode()
    def parts(self) -> tuple[Registration, Verifier]:
        """Return the registration and the verifier of single views."""
        request, config = self._request(), self.estimator.config.verification
        return SingleView().registration(request, config), SingleView().verifier(request, config)

    @torch.inference_mode()
    def refined(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return the hypotheses after exact ICP in one batch, as on a GPU."""
        request = self._request()
        return refine_batched(hypotheses, request.observations, request.stack)

    def _request(self) -> Request:
        one = self.estimator
        observations = prepare_observations(self.clouds, sample=one.config.sample,
                                            device=one.device)
        return Request(observations=observations, references=self.references,
                       stack=ReferenceStack.of(self.references),
                       depth_noise=one.config.depth_noise)


def compare_estimation(on_cpu: PoseEstimator, on_device: PoseEstimator, scene: BenchmarkScene
                       ) -> Iterator[Agreement]:
    """Compare search, coarse and fine registration, exact ICP, evidence and whole estimates.

    The references of the scene are those of `on_cpu`.
    """
    clouds, name = [seen.points for seen in scene.observations], on_cpu.model.name
    cpu = DeviceSide(estimator=on_cpu, references=scene.references, clouds=clouds)
    other = DeviceSide(estimator=on_device, clouds=clouds, references=[
        move(reference, on_device.device) for reference in scene.references])
    proposed, scores = cpu.search()
    _, other_scores = other.search()
    yield _compare_scores(f'{name}: search', scores, other_scores)
    with torch.inference_mode():
        yield from _compare_registration(name, cpu, other, proposed)
    yield from _compare_estimates(name, cpu, other)


def _compare_registration(name: str, cpu: DeviceSide, other: DeviceSide, proposed: Hypotheses
                          ) -> Iterator[Agreement]:
    device = other.estimator.device
    (registration, verifier), (other_registration, other_verifier) = cpu.parts(), other.parts()
    coarse = verifier.coarse(registration.coarse(proposed))
    found = other_verifier.coarse(other_registration.coarse(move(proposed, device)))
    yield _compare_rotations(f'{name}: coarse', coarse.hypotheses, found.hypotheses)
    yield _compare_evidence(f'{name}: coarse evidence', coarse.evidence, found.evidence)
    chosen = coarse.hypotheses.take(coarse.best(8))
    fine = registration.fine(chosen)
    yield _compare_rotations(f'{name}: fine', fine, other_registration.fine(move(chosen, device)))
    yield _compare_evidence(f'{name}: evidence', verifier.judge(fine),
                            other_verifier.judge(move(fine, device)))
    yield _compare_rotations(f'{name}: refine', cpu.refined(fine),
                             other.refined(move(fine, device)))


def _compare_estimates(name: str, cpu: DeviceSide, other: DeviceSide) -> Iterator[Agreement]:
    """Compare the labels of whole estimates, and the median difference of their scores."""
    results = [side.estimator.estimate_batch(side.clouds, side.references, segments=True,
                                             viewpoint=Viewpoint.SENSOR) for side in (cpu, other)]
    pairs = [(expected[0], found[0]) for expected, found in zip(*results)]
    differ = float(np.mean([expected.name != found.name for expected, found in pairs]))
    yield Agreement(stage=f'{name}: labels', difference=differ, allowed=LABELS)
    gaps = [abs(expected.score - found.score) for expected, found in pairs]
    yield Agreement(stage=f'{name}: estimate', difference=float(np.median(gaps)),
                    allowed=ESTIMATE_SCORE)


def _compare_scores(stage: str, expected: Tensor, found: Tensor) -> Agreement:
    return Agreement(stage=stage, difference=float((expected - found.to(expected)).abs().max()),
                     allowed=SCORE)


def _compare_rotations(stage: str, expected: Hypotheses, found: Hypotheses) -> Agreement:
    R = expected.R_reference_observation
    traces = (R * found.R_reference_observation.to(R)).sum((-1, -2))
    angles = torch.acos(((traces - 1.0) / 2.0).clamp(-1.0, 1.0))
    return Agreement(stage=stage, difference=float(angles.median()), allowed=ANGLE_RAD)


def _compare_evidence(stage: str, expected: Evidence, found: Evidence) -> Agreement:
    gaps = [(getattr(expected, part) - getattr(found, part).to(expected.coverage)).abs().median()
            for part in ('inlier_share', 'coverage')]
    return Agreement(stage=stage, difference=float(max(gaps)), allowed=SCORE)
