"""Search and verification run on one device without synchronising, tested with fake tensors.

A fake tensor has a shape and a device, but no values. Mixing devices raises an error as on a GPU,
and so does everything that has to wait for values: `.item()`, `.tolist()`, an index by a mask.
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
from pointpng_core.evaluation.speed.inference import BatchSize, make_scene
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.builder import ReferenceConfig

FAKE_DEVICE = torch.device('meta')
"""In place of a GPU, as fake tensors on cuda need its driver."""
WAITS = (DataDependentOutputException, DynamicOutputShapeException)


class _CopyToDevice(TorchFunctionMode):
    """Copies Python numbers to the device, as a GPU does; they would not become fake otherwise."""

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


def clear_caches():
    """Empty the caches of the package, which must not keep fake tensors."""
    for function in gc.get_objects():
        if isinstance(function, _lru_cache_wrapper) \
                and function.__module__.startswith('pointpng_core'):
            function.cache_clear()


def moved(value):
    """Return a tensor, or a dataclass with all its tensors, on the fake device."""
    if isinstance(value, torch.Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype,
                                   device=FAKE_DEVICE)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{part.name: moved(getattr(value, part.name))
                              for part in fields(value)})
    return value


@pytest.fixture(scope='module')
def estimator():
    return PoseEstimator(config=EstimatorConfig(
        reference=ReferenceConfig(views=12, surface_points=1000)))


@pytest.fixture(scope='module')
def scene(estimator):
    """Return clouds, and references on the CPU."""
    made, _ = make_scene(estimator, BatchSize(observations=3, references=2, views=12), seed=0)
    return [view.points for view in made.observations], made.references


@pytest.fixture
def on_device(estimator, scene):
    """Yield observations and references on the fake device."""
    clouds, references = scene
    try:
        with torch.inference_mode(), FakeTensorMode(), _CopyToDevice():
            yield (prepare_observations(clouds, sample=estimator.config.sample,
                                        device=FAKE_DEVICE),
                   [moved(reference) for reference in references])
    finally:
        clear_caches()


def search_on_device(estimator):
    return PoseSearch(encoder=estimator.model.encoder, cope=estimator.model.cope,
                      config=estimator.config.search, device=FAKE_DEVICE)


@pytest.mark.parametrize(('search_name', 'strategy'), [('match_views', SingleView()),
                                                        ('match_surfaces', FullSurface())])
def test_search_and_verification_do_not_synchronise(estimator, on_device, search_name, strategy):
    observations, references = on_device
    request = Request(observations=observations, references=references,
                      stack=ReferenceStack.of(references), depth_noise=KINECT_NOISE)
    config, search = estimator.config.verification, search_on_device(estimator)
    proposed, scores = getattr(search, search_name)(observations, references)
    registration = strategy.registration(request, config)
    verifier = strategy.verifier(request, config)
    coarse = verifier.coarse(registration.coarse(proposed))
    best = coarse.best(5)
    fine = verifier.fine(registration.fine(coarse.hypotheses.take(best)))
    refined = refine_surfaces(fine.hypotheses, observations, references, request.stack)
    found = (scores, best, fine.hypotheses.R_reference_observation, fine.evidence.score,
             refined.R_reference_observation)
    assert {part.device for part in found} == {FAKE_DEVICE}
    assert len(fine.hypotheses) == 3 * 5


@pytest.mark.parametrize('wait', [lambda R: R.sum().item(), lambda R: R[R > 0],
                                  lambda R: R.tolist()])
def test_synchronisation_is_detected(on_device, wait):
    with pytest.raises(WAITS):
        wait(on_device[0].R_view)


def test_a_second_device_is_detected(estimator, on_device):
    observations, references = on_device
    stack = ReferenceStack.of(references)
    proposed, _ = search_on_device(estimator).match_views(observations, references)
    points = observations.points[proposed.observation]
    align(stack.field, proposed, points, [stack.diameter[proposed.reference]])
    here = torch.zeros(len(proposed))
    with pytest.raises(RuntimeError, match='two devices'):
        align(stack.field, proposed, points, [here])
