"""Screening in the coarse stage: which hypotheses go through all its steps."""

from dataclasses import replace

from helpers.objects import random_rotation_matrix
from helpers.posed import seen
import numpy as np
import pytest
import torch

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Request, prepare_observations
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.icp import disc_distance
from pointpng_core.estimation.registration.stages import SCREENED_POINTS, ViewRegistration
from pointpng_core.estimation.strategies import SCREENED, SingleView
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.reference.batch import ReferenceStack

NAMES = ('drill', 'mug', 'bracket')
COUNT, MOST = 30, 6


@pytest.fixture(scope='module')
def case(estimator, reference):
    """A request with a view of each object, and hypotheses: one of them near the pose."""
    views = [seen(name, seed) for seed, name in enumerate(NAMES)]
    references = [reference(name) for name in NAMES]
    observations = prepare_observations([points for _, points in views], sample=512,
                                        device=torch.device('cpu'))
    request = Request(observations=observations, references=references,
                      stack=ReferenceStack.of(references), depth_noise=KINECT_NOISE)
    rng = np.random.default_rng(0)
    poses, owners, rows = [], [], []
    for owner, (T, _) in enumerate(views):
        for number in range(COUNT):
            wrong = T.copy()
            if number != 7 * (owner + 1):
                wrong[:3, :3] = random_rotation_matrix(100 * owner + number)
            poses.append(wrong)
            owners.append(owner)
            rows.append(owner if number == 7 * (owner + 1) else int(rng.integers(len(NAMES))))
    every = observations.take(owners)
    hypotheses = Hypotheses.from_poses(poses, every, references, rows)
    index = torch.arange(len(poses)).view(len(views), COUNT)
    return request, Hypotheses(
        observation=torch.tensor(owners), reference=hypotheses.reference,
        R_reference_observation=hypotheses.R_reference_observation,
        t_reference_observation=hypotheses.t_reference_observation).take(index)


def registration(request, estimator, most):
    config = estimator.config.verification
    return ViewRegistration(
        request=request, config=config, most=most, noise_m=torch.full((len(NAMES),), 0.003),
        front_facing=FrontFacing.of(request.observations, request.stack))


def test_the_best_after_one_step_take_the_others(case, estimator):
    request, hypotheses = case
    found = registration(request, estimator, MOST).coarse(hypotheses)
    assert found.shape == (len(NAMES), MOST)
    assert found.observation.tolist() == np.repeat(range(len(NAMES)), MOST).tolist()
    # Each is one of those that took all steps, at the same pose.
    every = registration(request, estimator, COUNT).coarse(hypotheses)
    for owner in range(len(NAMES)):
        own, all_own = (each.by_observation(each.R_reference_observation)[owner]
                        for each in (found, every))
        gaps = (own[:, None] - all_own[None]).abs().amax(dim=(2, 3))
        assert gaps.amin(dim=1).max() < 1e-4
        assert len(set(gaps.argmin(dim=1).tolist())) == MOST
        # The hypothesis at the pose is among them.
        assert 7 * (owner + 1) in gaps.argmin(dim=1).tolist()


def test_few_hypotheses_are_not_screened(case, estimator, monkeypatch):
    request, hypotheses = case
    monkeypatch.setattr(ViewRegistration, '_fit', None)
    assert registration(request, estimator, COUNT).coarse(hypotheses).shape == (3, COUNT)


def test_a_search_for_one_object_is_not_screened(case, estimator):
    request, _ = case
    config = estimator.config
    one = Request(observations=request.observations, references=request.references[:1],
                  stack=ReferenceStack.of(request.references[:1]), depth_noise=KINECT_NOISE)
    found = SingleView().registration(one, config.verification)
    assert found.most == SCREENED * config.verification.keep >= config.search.hypotheses


@pytest.mark.parametrize(('noise_m', 'diameters'), [(0.0, 0.012), (0.5, 0.05)])
def test_the_fit_is_the_mean_weight_within_noise_or_a_share_of_the_diameter(case, estimator,
                                                                            noise_m, diameters):
    request, hypotheses = case
    found = replace(registration(request, estimator, MOST),
                    noise_m=torch.full((len(NAMES),), noise_m))._fit(hypotheses)
    for row in range(0, len(hypotheses), 17):
        one = hypotheses.take(torch.tensor([row]))
        points = request.observations.points[one.observation, :SCREENED_POINTS]
        distance = disc_distance(request.stack.field, one.reference, one.transform(points))
        half = 2 * diameters * request.references[int(one.reference)].diameter_m
        naive = np.mean([1 / (1 + (each / half) ** 2) for each in distance[0].tolist()])
        assert float(found[row]) == pytest.approx(naive, abs=1e-5)
