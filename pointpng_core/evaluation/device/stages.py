"""The stages of an estimate on two devices, each from what the stage before gave on the CPU."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.embedding.devices import move
from pointpng_core.estimation.observations import Request, prepare_observations
from pointpng_core.estimation.registration.exact_icp import refine_batched
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.registration.stages import Registration
from pointpng_core.estimation.search.proposals import PoseSearch
from pointpng_core.estimation.strategies import SingleView
from pointpng_core.estimation.verification.evidence import Evidence
from pointpng_core.estimation.verification.verifier import Verifier
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.device.agreement import Agreement
from pointpng_core.evaluation.speed.inference import BatchWorld
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.reference import Reference

SCORE = 5e-3
"""Allowed difference of a cosine, and of the median of shares of points."""
ANGLE_RAD = 5e-3
"""Allowed median turn between registrations from one start; a few may settle elsewhere."""
LABELS = 0.07
"""Allowed share of observations that a whole estimate names differently: 1 of 16."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Half:
    """What one device has of a world."""

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
        """Return the registration and the verification of single views."""
        request, config = self._request(), self.estimator.config.verification
        return SingleView().registration(request, config), SingleView().verifier(request, config)

    @torch.inference_mode()
    def refined(self, hypotheses: Hypotheses) -> Hypotheses:
        """Return hypotheses registered exactly, as a GPU does it."""
        request = self._request()
        return refine_batched(hypotheses, request.observations, request.stack)

    def _request(self) -> Request:
        one = self.estimator
        observations = prepare_observations(self.clouds, sample=one.config.sample,
                                            device=one.device)
        return Request(observations=observations, references=self.references,
                       stack=ReferenceStack.of(self.references))


def compare(here: PoseEstimator, there: PoseEstimator, world: BatchWorld) -> Iterator[Agreement]:
    """Compare every stage on the CPU, `here`, with `there`, for a world of references here."""
    clouds, name = [seen.points for seen in world.seen], here.model.name
    cpu = Half(estimator=here, references=world.references, clouds=clouds)
    other = Half(estimator=there, clouds=clouds,
                 references=[move(known, there.device) for known in world.references])
    proposed, scores = cpu.search()
    _, other_scores = other.search()
    yield _near(f'{name}: search', scores, other_scores)
    with torch.inference_mode():
        yield from _registered(name, cpu, other, proposed)
    yield from _whole(name, cpu, other)


def _registered(name: str, cpu: Half, other: Half, proposed: Hypotheses) -> Iterator[Agreement]:
    device = other.estimator.device
    (registration, verifier), (other_registration, other_verifier) = cpu.parts(), other.parts()
    coarse = verifier.coarse(registration.coarse(proposed))
    found = other_verifier.coarse(other_registration.coarse(move(proposed, device)))
    yield _turned(f'{name}: coarse', coarse.hypotheses, found.hypotheses)
    yield _judged(f'{name}: coarse evidence', coarse.evidence, found.evidence)
    chosen = coarse.hypotheses.take(coarse.best(8))
    fine = registration.fine(chosen)
    yield _turned(f'{name}: fine', fine, other_registration.fine(move(chosen, device)))
    yield _judged(f'{name}: evidence', verifier.judge(fine),
                  other_verifier.judge(move(fine, device)))
    yield _turned(f'{name}: refine', cpu.refined(fine), other.refined(move(fine, device)))


def _whole(name: str, cpu: Half, other: Half) -> Iterator[Agreement]:
    """Compare whole estimates: their labels, and the median difference of their scores."""
    results = [half.estimator.estimate_batch(half.clouds, half.references, viewpoint='sensor')
               for half in (cpu, other)]
    pairs = [(one[0], two[0]) for one, two in zip(*results)]
    differ = float(np.mean([one.name != two.name for one, two in pairs]))
    yield Agreement(stage=f'{name}: labels', difference=differ, allowed=LABELS)
    gaps = [abs(one.score - two.score) for one, two in pairs]
    # A tree fits normals of its own, so that the last registration is not the same one.
    yield Agreement(stage=f'{name}: estimate', difference=float(np.median(gaps)), allowed=0.02)


def _near(stage: str, here: Tensor, there: Tensor) -> Agreement:
    return Agreement(stage=stage, difference=float((here - there.to(here)).abs().max()),
                     allowed=SCORE)


def _turned(stage: str, here: Hypotheses, there: Hypotheses) -> Agreement:
    R = here.R_reference_observation
    traces = (R * there.R_reference_observation.to(R)).sum((-1, -2))
    angles = torch.acos(((traces - 1.0) / 2.0).clamp(-1.0, 1.0))
    return Agreement(stage=stage, difference=float(angles.median()), allowed=ANGLE_RAD)


def _judged(stage: str, here: Evidence, there: Evidence) -> Agreement:
    gaps = [(getattr(here, part) - getattr(there, part).to(here.coverage)).abs().median()
            for part in ('inlier_share', 'coverage')]
    return Agreement(stage=stage, difference=float(max(gaps)), allowed=SCORE)
