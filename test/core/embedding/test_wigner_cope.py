"""Wigner COPE: every shortcut against Theta itself."""

from helpers.objects import random_rotation_matrix, whole
import numpy as np
import pytest
import roma
import torch

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.geometry.so3 import rotation_distance_rad

COPES = [WignerCope((3, 1, 2, 4)), WignerCope((10,) * 5), WignerCope((1, 1))]
every_cope = pytest.mark.parametrize('cope', COPES, ids=lambda cope: str(cope.multiplicities))


def rotations(count, seed=0, kind=torch.float64):
    matrices = [random_rotation_matrix(100 * seed + i) for i in range(count)]
    return torch.from_numpy(np.stack(matrices)).to(kind)


def embeddings(cope, count, seed=0):
    samples = np.random.default_rng(seed).normal(size=(count, cope.dim))
    return torch.from_numpy(samples / np.linalg.norm(samples, axis=1, keepdims=True))


@every_cope
def test_theta_is_an_orthogonal_representation(cope):
    g, h = rotations(4), rotations(4, seed=1)
    theta = cope.theta(g)
    assert theta.shape == (4, cope.dim, cope.dim)
    assert torch.allclose(theta @ theta.transpose(1, 2), torch.eye(cope.dim).double(), atol=1e-11)
    assert torch.allclose(cope.theta(g @ h), theta @ cope.theta(h), atol=1e-11)
    assert torch.allclose(cope.theta(torch.eye(3).double()), torch.eye(cope.dim).double(),
                          atol=1e-11)


@every_cope
@pytest.mark.parametrize('kind', [torch.float32, torch.float64])
def test_apply_is_theta_times_z(cope, kind):
    R, z = rotations(5, kind=kind), embeddings(cope, 5).to(kind)
    applied = cope.apply(R, z)
    assert applied.dtype == kind
    assert torch.allclose(applied, (cope.theta(R) @ z[..., None]).squeeze(-1), atol=2e-6)


@every_cope
def test_grid_scores_are_those_of_every_rotation(cope):
    R, source, target = rotations(7), embeddings(cope, 3, 1), embeddings(cope, 3, 2)
    scores = cope.grid_scores(cope.grid_bank(R), source, target)
    naive = torch.stack([torch.stack([(cope.theta(g) @ a) @ b for g in R])
                         for a, b in zip(source, target)])
    assert torch.allclose(scores, naive, atol=1e-11)


def test_correlations_broadcast():
    cope = COPES[0]
    source, target = embeddings(cope, 3, 1), embeddings(cope, 4, 2)
    table = cope.correlate(source[:, None], target[None])
    assert table.shape[:2] == (3, 4)
    assert torch.allclose(table[2, 1], cope.correlate(source[2], target[1]))


def test_a_large_bank_is_that_of_its_parts():
    cope, R = COPES[0], rotations(8).repeat(150, 1, 1)  # beyond any chunk size near 1024
    assert torch.allclose(cope.grid_bank(R)[-8:], cope.grid_bank(R[-8:]), atol=1e-12)
    assert cope.grid_bank(R).shape[0] == 1200


@every_cope
def test_in_plane_scores_are_those_of_rotations_about_z(cope):
    source, target = embeddings(cope, 3, 1), embeddings(cope, 2, 2)
    angles = torch.linspace(0, 6, 11).double()
    scores = cope.in_plane_scores(cope.in_plane_bank(source, angles), target)
    assert scores.shape == (2, 3, 11)
    for a, angle in enumerate(angles):
        R = roma.rotvec_to_rotmat(torch.stack((0 * angle, 0 * angle, angle)))
        rotated = cope.apply(R.expand(3, 3, 3), source)
        assert torch.allclose(scores[:, :, a], target @ rotated.T, atol=1e-11)


def shape_pair(seed):
    """A cope, embeddings of a mug and of the same mug rotated, and the rotation."""
    encoder = HarmonicEncoder()
    points = torch.from_numpy(whole('mug', 800)).double()
    points = (points - points.mean(dim=0)) / 0.13
    R = torch.from_numpy(random_rotation_matrix(seed))
    z = encoder.encode(torch.stack((points, points @ R.T)))
    return WignerCope(encoder.multiplicities), z[0], z[1], R


def refine_one(cope, R, source, target, steps):
    """Refine all of R (K, 3, 3) for one pair (d,)."""
    found, scores = cope.refine(R[None], source[None], target[None], steps)
    return found[0], scores[0]


def test_refinement_converges_to_the_true_rotation():
    cope, source, target, R = shape_pair(4)
    off = roma.rotvec_to_rotmat(0.12 * torch.nn.functional.normalize(
        torch.from_numpy(np.random.default_rng(0).normal(size=(20, 3))), dim=1)) @ R
    found, scores = refine_one(cope, off, source, target, 6)
    assert rotation_distance_rad(found, R).max() < 1e-3
    assert torch.allclose(scores, torch.ones(20).double(), atol=1e-6)


def test_refined_scores_are_those_of_the_refined_rotations_and_never_lower():
    cope, source, target, _ = shape_pair(5)
    R = rotations(30)
    start = cope.apply(R, source.expand(30, -1)) @ target
    for steps in (0, 1, 3, 10):
        found, scores = refine_one(cope, R, source, target, steps)
        assert torch.allclose(cope.apply(found, source.expand(30, -1)) @ target, scores,
                              atol=1e-10)
        assert torch.allclose(found @ found.transpose(1, 2), torch.eye(3).double(), atol=1e-9)
        assert (scores >= start - 0.01).all()
        if not steps:
            assert torch.equal(found, R)


def test_every_pair_of_a_batch_is_refined_for_itself():
    cope, source, target, _ = shape_pair(5)
    R = rotations(12).reshape(3, 4, 3, 3)
    sources, targets = torch.stack((source, target, source)), torch.stack((target, source, source))
    found, scores = cope.refine(R, sources, targets, 3)
    assert (found.shape, scores.shape) == ((3, 4, 3, 3), (3, 4))
    for each in range(3):
        alone, values = refine_one(cope, R[each], sources[each], targets[each], 3)
        assert torch.allclose(found[each], alone, atol=1e-9)
        assert torch.allclose(scores[each], values, atol=1e-9)


def test_refinement_ends_where_the_score_is_level():
    cope, source, target, _ = shape_pair(6)
    found, scores = refine_one(cope, rotations(10), source, target, 40)
    for axis in torch.eye(3).double():
        for angle in (-0.03, 0.03):
            nudged = roma.rotvec_to_rotmat(angle * axis) @ found
            assert (cope.apply(nudged, source.expand(10, -1)) @ target <= scores + 1e-9).all()
