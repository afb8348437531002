"""The stages of an estimate on a device, each from the output of the stage before on the CPU."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.embedding.devices import move
from pointpng_core.estimation.observations import Observations, prepare_observations
from pointpng_core.estimation.registration.exact_icp import refine_batched
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.search.proposals import PoseSearch
from pointpng_core.estimation.verification.depth_images import DepthImages
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
        return search.propose(self._observations(), self.references, single_view=True)

    @torch.inference_mode()
    def verifier(self) -> Verifier:
        """Return the verifier of all clouds against all references."""
        one = self.estimator
        return Verifier(config=one.config.verification, observations=self._observations(),
                        references=ReferenceStack.of(self.references),
                        images=DepthImages.from_clouds(self.clouds, one.device))

    @torch.inference_mode()
    def refined(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return the hypotheses after exact ICP in one batch, as on a GPU."""
        return refine_batched(hypotheses, self._observations(),
                               ReferenceStack.of(self.references))

    def _observations(self) -> Observations:
        one = self.estimator
        return prepare_observations(self.clouds, sample=one.config.sample, device=one.device)


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
    verifiers = cpu.verifier(), other.verifier()
    coarse, evidence = verifiers[0].coarse(proposed)
    found, found_evidence = verifiers[1].coarse(move(proposed, device))
    yield _compare_rotations(f'{name}: coarse', coarse, found)
    yield _compare_evidence(f'{name}: coarse evidence', evidence, found_evidence)
    chosen = coarse.take(verifiers[0].best(coarse, evidence, 8))
    fine, _ = verifiers[0].fine(chosen)
    found, _ = verifiers[1].fine(move(chosen, device))
    yield _compare_rotations(f'{name}: fine', fine, found)
    yield _compare_evidence(f'{name}: evidence', verifiers[0].judge(fine),
                            verifiers[1].judge(move(fine, device)))
    yield _compare_rotations(f'{name}: refine', cpu.refined(fine),
                             other.refined(move(fine, device)))


def _compare_estimates(name: str, cpu: DeviceSide, other: DeviceSide) -> Iterator[Agreement]:
    """Compare the labels of whole estimates, and the median difference of their scores."""
    results = [side.estimator.estimate_batch(side.clouds, side.references, viewpoint='sensor')
               for side in (cpu, other)]
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
    traces = (expected.R * found.R.to(expected.R)).sum((-1, -2))
    angles = torch.acos(((traces - 1.0) / 2.0).clamp(-1.0, 1.0))
    return Agreement(stage=stage, difference=float(angles.median()), allowed=ANGLE_RAD)


def _compare_evidence(stage: str, expected: Evidence, found: Evidence) -> Agreement:
    gaps = [(getattr(expected, part) - getattr(found, part).to(expected.coverage)).abs().median()
            for part in ('inlier_share', 'coverage')]
    return Agreement(stage=stage, difference=float(max(gaps)), allowed=SCORE)
