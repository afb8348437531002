"""Search and verification stay on their device, without one: on fake tensors that hold no numbers.

A fake tensor knows its shape and its device. What mixes devices is refused as on a GPU, and so is
what has to wait for numbers: `.item()`, `.tolist()`, an index by a mask.
"""

from dataclasses import fields, is_dataclass
from functools import _lru_cache_wrapper
import gc

import pytest
import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.overrides import TorchFunctionMode

from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.observations import Request, prepare_observations
from pointpng_core.estimation.registration.exact_icp import refine_surfaces
from pointpng_core.estimation.registration.icp import align
from pointpng_core.estimation.search.proposals import PoseSearch
from pointpng_core.estimation.strategies import FullSurface, SingleView
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.speed.inference import BatchSize, make_world
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.builder import ReferenceConfig

ELSEWHERE = torch.device('meta')
"""Stands for a GPU: fake tensors of cuda need its driver."""
WAITS = (DataDependentOutputException, DynamicOutputShapeException)


class _NumbersToElsewhere(TorchFunctionMode):
    """Numbers given in Python are copied to a GPU; to this device they would not become fake."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function is torch.from_numpy:
            return torch.tensor(*args)
        if function is torch.Tensor.new_tensor:
            like, values = args
            return torch.tensor(values, dtype=like.dtype).to(like.device)
        device = kwargs.pop('device', None) if function is torch.tensor else None
        result = function(*args, **kwargs)
        return result if device is None else result.to(device)


def forget():
    """Empty the caches of the package: what they keep must not be fake."""
    for kept in gc.get_objects():
        if isinstance(kept, _lru_cache_wrapper) and kept.__module__.startswith('pointpng_core'):
            kept.cache_clear()


def moved(value):
    """A dataclass with all its tensors elsewhere, and theirs."""
    if isinstance(value, torch.Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype,
                                   device=ELSEWHERE)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{part.name: moved(getattr(value, part.name))
                              for part in fields(value)})
    return value


@pytest.fixture(scope='module')
def estimator():
    return PoseEstimator(config=EstimatorConfig(
        reference=ReferenceConfig(views=12, surface_points=1000)))


@pytest.fixture(scope='module')
def world(estimator):
    """Clouds, and references on the CPU."""
    made, _ = make_world(estimator, BatchSize(observations=3, references=2, views=12), seed=0)
    return [seen.points for seen in made.seen], made.references


@pytest.fixture
def elsewhere(estimator, world):
    """Observations and references elsewhere; all tensors are fake."""
    clouds, references = world
    try:
        with torch.inference_mode(), FakeTensorMode(), _NumbersToElsewhere():
            yield (prepare_observations(clouds, sample=estimator.config.sample, device=ELSEWHERE),
                   [moved(reference) for reference in references])
    finally:
        forget()


def search_elsewhere(estimator):
    return PoseSearch(encoder=estimator.model.encoder, cope=estimator.model.cope,
                      config=estimator.config.search, device=ELSEWHERE)


@pytest.mark.parametrize(('search_name', 'strategy'), [('match_views', SingleView()),
                                                        ('match_surfaces', FullSurface())])
def test_proposed_and_verified_without_waiting(estimator, elsewhere, search_name, strategy):
    observations, references = elsewhere
    request = Request(observations=observations, references=references,
                      stack=ReferenceStack.of(references))
    config, search = estimator.config.verification, search_elsewhere(estimator)
    proposed, scores = getattr(search, search_name)(observations, references)
    registration = strategy.registration(request, config)
    verifier = strategy.verifier(request, config)
    coarse = verifier.coarse(registration.coarse(proposed))
    best = coarse.best(5)
    fine = verifier.fine(registration.fine(coarse.hypotheses.take(best)))
    refined = refine_surfaces(fine.hypotheses, observations, references, request.stack)
    found = (scores, best, fine.hypotheses.R_reference_observation, fine.evidence.score,
             refined.R_reference_observation)
    assert {part.device for part in found} == {ELSEWHERE}
    assert len(fine.hypotheses) == 3 * 5


@pytest.mark.parametrize('wait', [lambda R: R.sum().item(), lambda R: R[R > 0],
                                  lambda R: R.tolist()])
def test_waiting_would_show(elsewhere, wait):
    with pytest.raises(WAITS):
        wait(elsewhere[0].R_view)


def test_a_second_device_would_show(estimator, elsewhere):
    observations, references = elsewhere
    stack = ReferenceStack.of(references)
    proposed, _ = search_elsewhere(estimator).match_views(observations, references)
    points = observations.points[proposed.observation]
    align(stack.field, proposed, points, [stack.diameter[proposed.reference]])
    here = torch.zeros(len(proposed))
    with pytest.raises(RuntimeError, match='two devices'):
        align(stack.field, proposed, points, [here])
