"""The global search: suppression against its naive twin, and rotations that are known."""

import math

from helpers.objects import random_rotation_matrix, whole
import numpy as np
import pytest
import roma
import torch

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.cope.harmonic import HarmonicCope
from pointpng_core.embedding.cope.sie import SieCope
from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.estimation.search import RotationSearch, non_maximum_suppression, search_views
from pointpng_core.geometry.so3 import in_plane_angles, rotation_distance_rad, super_fibonacci
from pointpng_core.reference.view_bank import ViewBank

ENCODER = HarmonicEncoder()
COPE = WignerCope(ENCODER.multiplicities)
ROTATIONS = 4096
# The volume of SO(3), 8 pi^2, shared by cubes.
GRID_SPACING_RAD = (8 * math.pi ** 2 / ROTATIONS) ** (1 / 3)


def random_rotations(count, seed=0):
    return torch.from_numpy(np.stack([random_rotation_matrix(1000 * seed + index)
                                      for index in range(count)])).float()


@pytest.fixture(scope='module')
def search():
    return RotationSearch(COPE, rotations=ROTATIONS, device=torch.device('cpu'))


def naive_peaks(R, scores, count, apart_rad):
    left, chosen = list(range(len(R))), []
    while left and len(chosen) < count:
        best = max(left, key=lambda index: (scores[index], -index))
        chosen.append(best)
        left = [index for index in left
                if rotation_distance_rad(R[index].double(), R[best].double()) >= apart_rad]
    return chosen + [chosen[0]] * (count - len(chosen))


@pytest.mark.parametrize('apart_rad', [0.3, 1.0, 2.5])
def test_suppression_is_its_naive_twin(apart_rad):
    R = random_rotations(240).reshape(3, 80, 3, 3)
    scores = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 80)))
    found = non_maximum_suppression(R, scores, 7, apart_rad)
    for row, each, values in zip(found.tolist(), R, scores.tolist()):
        assert row == naive_peaks(each, values, 7, apart_rad)


def test_where_peaks_run_out_the_best_is_repeated():
    scores = torch.tensor([[0.1, 0.9, 0.5, 0.3]])
    R = torch.eye(3).expand(1, 4, 3, 3)
    assert non_maximum_suppression(R, scores, 3, 0.3).tolist() == [[1, 1, 1]]


def clouds_and_rotated(seeds):
    points = torch.from_numpy(np.stack([whole('mug', 800, 1), whole('drill', 800, 2)])).float()
    points = points - points.mean(dim=1, keepdim=True)
    points = points / (2 * points.norm(dim=-1).amax(dim=1))[:, None, None]
    R = torch.stack([torch.from_numpy(random_rotation_matrix(seed)).float() for seed in seeds])
    return ENCODER.encode(points), ENCODER.encode(points @ R.transpose(1, 2)), R


def test_the_best_peak_maps_source_into_target(search):
    source, target, R = clouds_and_rotated((1, 2))
    coarse, scores = search.peaks(source, target, count=1, apart_rad=0.3)
    assert (rotation_distance_rad(coarse[:, 0], R) < GRID_SPACING_RAD).all()
    fine, better = search.peaks(source, target, count=1, apart_rad=0.3, refine_steps=5)
    assert (rotation_distance_rad(fine[:, 0], R) < 2e-3).all()
    assert (better >= scores).all()


def test_grid_peaks_are_the_best_of_all_rotations_applied_one_by_one(search):
    source, target, _ = clouds_and_rotated((3, 4))
    grid = roma.unitquat_to_rotmat(super_fibonacci(ROTATIONS))
    found, scores = search.peaks(source, target, count=6, apart_rad=0.4)
    for z, goal, R, values in zip(source, target, found, scores):
        naive = torch.cat([COPE.apply(part, z.expand(len(part), -1)) @ goal
                           for part in grid.split(512)])
        assert values[0] == pytest.approx(float(naive.max()), abs=1e-5)
        assert torch.allclose(R[0], grid[naive.argmax()], atol=1e-5)
        assert (values.diff() <= 0).all()
        gaps = rotation_distance_rad(R[:, None].double(), R[None].double())
        assert (gaps + 9 * torch.eye(6)).min() > 0.4 - 1e-4


def test_refined_peaks_stay_sorted_and_a_batch_is_each_pair_alone(search):
    source, target, _ = clouds_and_rotated((5, 6))
    R, scores = search.peaks(source, target, count=8, apart_rad=0.3, refine_steps=3)
    assert (scores.diff(dim=1) <= 0).all()
    for each in range(2):
        alone, values = search.peaks(source[each:each + 1], target[each:each + 1], count=8,
                                     apart_rad=0.3, refine_steps=3)
        assert torch.allclose(values[0], scores[each], atol=1e-5)
        assert rotation_distance_rad(alone[0, 0], R[each, 0]) < 1e-3


@pytest.mark.parametrize('make', [HarmonicCope, SieCope])
def test_the_rotation_of_a_learned_cope_is_found_in_inference_mode(make):
    torch.manual_seed(0)
    cope, R = make(dim=48), random_rotations(3)
    source = torch.nn.functional.normalize(torch.randn(3, 48), dim=1)
    with torch.inference_mode():
        target = torch.nn.functional.normalize(cope.apply(R, source), dim=-1)
        grid = RotationSearch(cope, rotations=ROTATIONS, device=torch.device('cpu'))
        found, scores = grid.peaks(source, target, count=4, apart_rad=0.3, refine_steps=20)
    assert rotation_distance_rad(found[:, 0], R).max() < 0.02
    assert (scores.diff(dim=1) <= 0).all()


def random_bank(views, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(views, COPE.dim))
    return ViewBank(directions=torch.zeros(views, 3),
                    R_view_reference=random_rotations(views, seed + 1),
                    centroids=torch.from_numpy(rng.normal(size=(views, 3))).float(),
                    embeddings=torch.from_numpy(z / np.linalg.norm(z, axis=1)[:, None]).float(),
                    visible=torch.zeros(views, 1, dtype=torch.bool))


def test_a_rotated_view_is_found_with_its_centroid_and_rotation():
    """Two references of random embeddings; targets are views of theirs, rotated in plane."""
    banks = [random_bank(30, 0), random_bank(20, 50)]
    in_plane_rotations, R_view_target = 40, random_rotations(2, 9)
    angles = in_plane_angles(in_plane_rotations)
    truth = [(0, 17, 6), (1, 3, 31)]  # reference, view, in-plane rotation of each target
    z, R_true, centroids = [], [], []
    for target, (owner, view, in_plane) in enumerate(truth):
        spin = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, float(angles[in_plane])]))
        z.append(COPE.apply(spin, banks[owner].embeddings[view]))
        R_true.append(R_view_target[target].T @ spin @ banks[owner].R_view_reference[view])
        centroids.append(banks[owner].centroids[view])
    prepared = [COPE.in_plane_bank(bank.embeddings, angles) for bank in banks]
    found = search_views(COPE, banks, prepared, torch.stack(z).expand(2, -1, -1), R_view_target,
                         count=5, apart_rad=0.3, in_plane_rotations=in_plane_rotations)
    assert found.R_target_reference.shape == (2, 2, 5, 3, 3)
    assert (found.scores.diff(dim=-1) <= 0).all()
    for target, (owner, _, _) in enumerate(truth):
        assert found.scores[target, owner, 0] == pytest.approx(1, abs=1e-4)
        assert found.scores[target, 1 - owner, 0] < 0.9
        best = found.R_target_reference[target, owner]
        assert rotation_distance_rad(best[0], R_true[target]) < 2e-3
        assert torch.equal(found.centroids[target, owner, 0], centroids[target])
        gaps = rotation_distance_rad(best[:, None].double(), best[None].double())
        assert (gaps + 9 * torch.eye(5)).min() > 0.3 - 1e-3
