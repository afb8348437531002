"""Algorithm 1: the loss against its naive twin, and rotations that are known."""

import math

from helpers.objects import random_rotation_matrix, whole
import numpy as np
import pytest
import roma
import torch
from torch.nn.functional import normalize

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.cope.harmonic import HarmonicCope
from pointpng_core.embedding.cope.sie import SieCope
from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.search import GradientSearch, RotationSearch, gradient
from pointpng_core.estimation.search.gradient import bidirectional_loss
from pointpng_core.estimation.search.proposals import PoseSearch, SearchConfig
from pointpng_core.geometry.so3 import rotation_distance_rad

ENCODER = HarmonicEncoder()
COPE = WignerCope(ENCODER.multiplicities)
CPU = torch.device('cpu')


def pair(seeds):
    """Embeddings of drills (B, d), of the same rotated, and the rotations (B, 3, 3)."""
    points = torch.from_numpy(whole('drill', 400, 2)).float()
    points = points - points.mean(dim=0)
    points = points / (2 * points.norm(dim=-1).max())
    R = torch.stack([torch.from_numpy(random_rotation_matrix(seed)).float() for seed in seeds])
    return ENCODER.encode(points.expand(len(R), -1, -1)), ENCODER.encode(points @ R.mT), R


def search(cope=COPE, **options):
    return GradientSearch(cope, **{'starts': 48, 'steps': 15, 'step_rad': 0.2, 'device': CPU}
                          | options)


def random_pairs(cope, count):
    sample = torch.randn(2, count, cope.dim, generator=torch.Generator().manual_seed(3))
    return normalize(sample, dim=-1)


@pytest.mark.parametrize('make', [lambda: WignerCope((2, 3, 1)), lambda: HarmonicCope(dim=20),
                                  lambda: SieCope(dim=20)], ids=['wigner', 'harmonic', 'sie'])
def test_the_loss_is_its_naive_twin(make):
    torch.manual_seed(0)
    cope = make()
    z, z_plus = random_pairs(cope, 6)
    quats = normalize(torch.randn(6, 4), dim=-1)
    for loss, q, a, b in zip(bidirectional_loss(cope, quats, z, z_plus), quats, z, z_plus):
        there = cope.theta(roma.unitquat_to_rotmat(q)) @ a
        back = cope.theta(roma.unitquat_to_rotmat(roma.quat_inverse(q))) @ b
        naive = sum(float((moved / moved.norm() - goal).square().sum())
                    for moved, goal in ((there, b), (back, a)))
        assert float(loss) == pytest.approx(naive, abs=1e-5)


def test_the_true_rotations_are_found_in_inference_mode():
    with torch.inference_mode():
        source, target, R = pair((1, 2))
        found, scores = search().peaks(source, target, count=1, apart_rad=0.3)
        fine, best = search().peaks(source, target, count=1, apart_rad=0.3, refine_steps=4)
    assert found.shape == (2, 1, 3, 3)
    assert scores.shape == (2, 1)
    assert rotation_distance_rad(found[:, 0], R).max() < math.radians(7)
    assert rotation_distance_rad(fine[:, 0], R).max() < math.radians(0.2)
    assert (best > scores).all()


def test_both_searches_agree():
    source, target, _ = pair((5, 6))
    grid = RotationSearch(COPE, rotations=2048, device=CPU)
    options = {'count': 1, 'apart_rad': 0.3, 'refine_steps': 5}
    (one, score), (other, own) = (each.peaks(source, target, **options)
                                  for each in (grid, search()))
    assert rotation_distance_rad(one, other).max() < 1e-2
    assert torch.allclose(score, own, atol=1e-4)


def test_peaks_of_a_learned_cope_are_sorted_before_and_after_refinement():
    torch.manual_seed(1)
    cope = HarmonicCope(dim=32, frequencies=1)
    (source, _), R = random_pairs(cope, 3), torch.from_numpy(np.stack(
        [random_rotation_matrix(seed) for seed in range(3)])).float()
    target = normalize(cope.apply(R, source), dim=-1).detach()
    _, scores = search(cope, starts=64).peaks(source, target, count=4, apart_rad=0.3)
    found, refined = search(cope, starts=64).peaks(source, target, count=4, apart_rad=0.3,
                                                   refine_steps=20)
    rotated = normalize(cope.apply(found, source[:, None]), dim=-1)
    assert torch.allclose((rotated * target[:, None]).sum(-1), refined, atol=1e-5)
    assert (scores.diff(dim=1) <= 0).all()
    assert (refined.diff(dim=1) <= 0).all()


def test_scores_are_those_of_the_rotations_and_more_steps_never_hurt():
    source, target, _ = pair((7, 8))
    last = torch.full((2,), -1.0)
    for steps in (0, 1, 4, 8):
        R, scores = search(steps=steps, starts=10).peaks(source, target, count=3, apart_rad=0.3)
        there = (COPE.apply(R, source[:, None]) * target[:, None]).sum(-1)
        back = (COPE.apply(R.mT, target[:, None]) * source[:, None]).sum(-1)
        assert torch.allclose((there + back) / 2, scores, atol=1e-5)
        assert (scores[:, 0] >= last).all()
        last = scores[:, 0]


def test_each_step_rotates_by_the_step_and_starts_are_unit_quaternions():
    source, target, _ = pair((9,))
    with torch.no_grad():
        quats = search(starts=20, steps=0)._quats
    assert torch.allclose(quats.norm(dim=1), torch.ones(20))
    _, downhill = gradient._slope(COPE, quats, source.expand(20, -1), target.expand(20, -1))
    moved = normalize(quats + 0.5 * 0.1 * downhill, dim=-1)
    angles = rotation_distance_rad(*(roma.unitquat_to_rotmat(q) for q in (quats, moved)))
    assert torch.allclose(angles, torch.full((20,), 2 * math.atan(0.05)), atol=1e-4)


def test_a_seed_samples_the_same_starts_and_another_one_others():
    assert torch.equal(search(seed=3)._quats, search(seed=3)._quats)
    assert not torch.equal(search(seed=3)._quats, search(seed=4)._quats)


def test_a_batch_in_parts_is_each_pair_alone(monkeypatch):
    source, target, _ = pair((1, 2, 3))
    monkeypatch.setattr(gradient, 'BATCH', 7)
    R, scores = search(starts=5, steps=3).peaks(source, target, count=2, apart_rad=0.3)
    monkeypatch.undo()
    for each in range(3):
        alone, values = search(starts=5, steps=3).peaks(
            source[each:each + 1], target[each:each + 1], count=2, apart_rad=0.3)
        assert torch.allclose(R[each], alone[0], atol=1e-3)
        assert torch.allclose(scores[each], values[0], atol=1e-4)


@pytest.mark.parametrize('make', [HarmonicCope, SieCope])
def test_a_collapsed_cope_finds_nothing_but_does_not_fail(make):
    cope = make(dim=16)
    with torch.no_grad():
        for parameter in cope.parameters():
            parameter.zero_()
    z, z_plus = random_pairs(cope, 2)
    R, scores = search(cope, starts=6, steps=3).peaks(z, z_plus, count=9, apart_rad=0.3,
                                                      refine_steps=2)
    assert R.shape == (2, 9, 3, 3)
    assert torch.isfinite(R).all()
    assert torch.isfinite(scores).all()


def test_the_configuration_chooses_the_search():
    chosen = {method: PoseSearch(encoder=ENCODER, cope=COPE, device=CPU,
                                 config=SearchConfig(method=method, rotations=64))
              for method in ('exhaustive', 'gradient')}
    assert type(chosen['exhaustive']._rotation_search()) is RotationSearch
    assert type(chosen['gradient']._rotation_search()) is GradientSearch
    with pytest.raises(ConfigError, match='exhaustive, gradient'):
        SearchConfig(method='annealing')
