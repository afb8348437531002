"""Learned COPEs: every shortcut against the explicit matrices Theta_g, and what training needs."""

import copy
import math

import pytest
import roma
import torch
from torch.nn.functional import normalize

from pointpng_core.embedding.cope import learned
from pointpng_core.embedding.cope.harmonic import (
    HarmonicCope,
    canonical_quaternion,
    harmonic_code,
    rotation_numbers,
)
from pointpng_core.embedding.cope.sie import SieCope
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.so3 import in_plane_angles, super_fibonacci

DIM = 24
FORMS = {
    'harmonic': lambda dim: HarmonicCope(dim=dim),
    'added': lambda dim: HarmonicCope(dim=dim, combine='add', frequencies=2),
    'quaternion': lambda dim: HarmonicCope(dim=dim, code='quaternion', row_dim=8, hidden=40),
    'sie': lambda dim: SieCope(dim=dim),
}
every_form = pytest.mark.parametrize('form', FORMS)


def make(form, dim=DIM, seed=0):
    torch.manual_seed(seed)
    return FORMS[form](dim).double()


def rotations(*shape, seed=0):
    samples = torch.randn(*shape, 4, generator=torch.Generator().manual_seed(seed)).double()
    return roma.unitquat_to_rotmat(normalize(samples, dim=-1))


def embeddings(*shape, seed=0, dim=DIM):
    samples = torch.randn(*shape, dim, generator=torch.Generator().manual_seed(seed))
    return normalize(samples.double(), dim=-1)


def naive_theta(cope, R):
    """Theta of one rotation (3, 3), row by row, column by column, from the weights alone."""
    weights = dict(cope.named_parameters())
    quat = roma.rotmat_to_unitquat(R)
    quat = quat if quat[3] >= 0 else -quat
    if isinstance(cope, SieCope):
        return sum(q * B for q, B in zip(quat, weights['weight']))
    numbers = quat if cope.code == 'quaternion' else R.reshape(9)
    waves = [torch.stack([wave(2 ** k * x) for x in numbers for k in range(cope.frequencies)])
             for wave in (torch.sin, torch.cos)]
    code = torch.cat((numbers, *waves))
    h = torch.nn.functional.gelu(weights['first.weight'] @ code + weights['first.bias'])
    h = weights['last.weight'] @ h + weights['last.bias']
    rows = []
    for psi in weights['psi']:
        r = weights['row.weight'] @ psi + weights['row.bias']
        joint = torch.clamp(h * r if cope.combine == 'multiply' else h + r, min=0)
        rows.append(weights['out'] @ joint)
    return torch.stack(rows)


@every_form
def test_theta_and_apply_are_their_naive_twin(form):
    cope, R, z = make(form), rotations(5), embeddings(5)
    naive = torch.stack([naive_theta(cope, each) for each in R])
    assert torch.allclose(cope.theta(R), naive, atol=1e-12)
    assert torch.allclose(cope.apply(R, z), (naive @ z[..., None]).squeeze(-1), atol=1e-12)


@every_form
def test_rotations_and_embeddings_broadcast(form):
    cope, R, z = make(form), rotations(3, 1, 4), embeddings(2, 1, seed=1)
    table = cope.apply(R, z)
    assert table.shape == (3, 2, 4, DIM)
    assert torch.allclose(table[2, 1, 3], cope.theta(R[2, 0, 3]) @ z[1, 0], atol=1e-12)
    assert cope.theta(R).shape == (3, 1, 4, DIM, DIM)


@every_form
def test_q_and_minus_q_are_one_rotation(form):
    cope, quats = make(form), normalize(torch.randn(20, 4).double(), dim=1)
    one, other = (cope.theta(roma.unitquat_to_rotmat(q)) for q in (quats, -quats))
    assert torch.allclose(one, other, atol=1e-12)
    assert (canonical_quaternion(roma.unitquat_to_rotmat(quats))[:, 3] >= 0).all()


def test_codes_have_their_declared_shapes_and_values():
    R = rotations(4, 2)
    assert torch.equal(rotation_numbers(R, 'rotation'), R.reshape(4, 2, 9))
    code = harmonic_code(torch.tensor([[0.3, -0.7]]), 3)
    expected = [0.3, -0.7, *(math.sin(2 ** k * x) for x in (0.3, -0.7) for k in range(3)),
                *(math.cos(2 ** k * x) for x in (0.3, -0.7) for k in range(3))]
    assert torch.allclose(code, torch.tensor([expected]), atol=1e-6)


@pytest.mark.parametrize('code', ['rotation', 'quaternion'])
def test_the_paper_s_size_has_about_200k_weights(code):
    count = sum(p.numel() for p in HarmonicCope(dim=1024, code=code).parameters())
    assert 150_000 <= count <= 250_000


@pytest.mark.parametrize('dim', [8, 96])
def test_sie_has_four_matrices_and_no_more(dim):
    assert sum(p.numel() for p in SieCope(dim=dim).parameters()) == 4 * dim ** 2


@pytest.mark.parametrize('name', ['code', 'combine'])
def test_an_unknown_option_is_refused_with_the_choices(name):
    with pytest.raises(ConfigError, match=f'{name} = .euler.: choose one of '):
        HarmonicCope(dim=8, **{name: 'euler'})


@pytest.mark.parametrize('dim', [128, 512])
@every_form
def test_at_the_start_lengths_are_kept(form, dim):
    R, z = rotations(16, 1, seed=2), embeddings(40, seed=3, dim=dim)
    lengths = make(form, dim).apply(R, z).norm(dim=-1)
    assert float(lengths.mean()) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize('form', ['harmonic', 'quaternion', 'sie'])
def test_at_the_start_theta_differs_between_rotations(form):
    rotated = make(form, 128).apply(rotations(16, 1, seed=2), embeddings(40, dim=128))
    cosines = torch.einsum('gbd,hbd->bgh', normalize(rotated, dim=-1), normalize(rotated, dim=-1))
    assert (cosines.sum(dim=(1, 2)) - 16).mean() / 240 < 0.4


@every_form
def test_every_weight_learns_and_embeddings_too(form):
    cope, z = make(form), embeddings(6).requires_grad_()
    (cope.apply(rotations(6), z) * embeddings(6, seed=9)).sum().backward()
    for name, tensor in (*cope.named_parameters(), ('z', z)):
        assert tensor.grad is not None, name
        assert tensor.grad.abs().max() > 0, name


@every_form
def test_gradients_are_finite_differences(form):
    cope, R, z = make(form), rotations(2), embeddings(2).requires_grad_()
    assert torch.autograd.gradcheck(cope.apply, (R.requires_grad_(), z))


@every_form
def test_grid_scores_are_explicit_cosines(form, monkeypatch):
    cope, R, source, target = make(form), rotations(41), embeddings(3), embeddings(3, seed=4)
    rotated = torch.einsum('gij,bj->bgi', cope.theta(R), source)
    explicit = torch.einsum('bgi,bi->bg', normalize(rotated, dim=-1), target)
    bank = cope.grid_bank(R)
    assert torch.allclose(cope.grid_scores(bank, source, target), explicit, atol=1e-12)
    monkeypatch.setattr(learned, 'CHUNK_ENTRIES', 7 * DIM * 40)  # a few rotations at a time
    assert torch.allclose(cope.grid_scores(bank, source, target), explicit, atol=1e-12)


@every_form
def test_in_plane_scores_are_those_of_rotations_about_z(form):
    cope, source, target = make(form), embeddings(3), embeddings(2, seed=4)
    angles = in_plane_angles(11).double()
    scores = cope.in_plane_scores(cope.in_plane_bank(source, angles), target)
    assert scores.shape == (2, 3, 11)
    for a, angle in enumerate(angles):
        theta = cope.theta(roma.rotvec_to_rotmat(torch.stack((0 * angle, 0 * angle, angle))))
        rotated = normalize(source @ theta.T, dim=-1)
        assert torch.allclose(scores[:, :, a], target @ rotated.T, atol=1e-12)


@every_form
def test_refinement_raises_the_score_and_returns_it(form):
    cope, R_true, source = make(form), rotations(2, seed=5), embeddings(2)
    target = normalize(cope.apply(R_true, source), dim=-1).detach()
    off = roma.rotvec_to_rotmat(0.1 * normalize(torch.randn(2, 9, 3).double(), dim=-1))
    starts = off @ R_true[:, None]
    before = (normalize(cope.apply(starts, source[:, None]), dim=-1) * target[:, None]).sum(-1)
    last = before
    for steps in (0, 3, 30):
        found, scores = cope.refine(starts, source, target, steps)
        again = normalize(cope.apply(found, source[:, None]), dim=-1) * target[:, None]
        assert torch.allclose(again.sum(-1), scores, atol=1e-12)
        assert (scores >= last).all()
        assert torch.allclose(found @ found.mT, torch.eye(3).double(), atol=1e-9)
        last = scores
    # Except where the quaternion jumps, at rotations by pi, the score is smooth and its peak near.
    assert (1 - last).mean() < 0.1 * (1 - before).mean()


@every_form
def test_refinement_works_in_inference_mode_and_leaves_no_gradients(form):
    cope = make(form)
    with torch.inference_mode():
        R, source, target = rotations(2, 5), embeddings(2), embeddings(2, seed=4)
        found, scores = cope.refine(R, source, target, 4)
        assert torch.is_inference_mode_enabled()
    outside = cope.refine(R.clone(), source.clone(), target.clone(), 4)
    assert torch.equal(found, outside[0])
    assert torch.equal(scores, outside[1])
    assert not found.requires_grad
    assert not scores.requires_grad
    assert all(p.grad is None for p in cope.parameters())


@every_form
def test_banks_carry_no_gradients_and_survive_inference_mode(form):
    cope, source = make(form), embeddings(3)
    with torch.inference_mode():
        grid = cope.grid_bank(rotations(9))
        in_plane = cope.in_plane_bank(source, in_plane_angles(5).double())
    assert not cope.grid_scores(grid, source, source).requires_grad
    assert not cope.in_plane_scores(in_plane, source).requires_grad


@pytest.mark.parametrize('form', ['harmonic', 'sie'])
def test_a_cope_that_ignores_rotation_scores_alike_and_stays_where_it_is(form):
    cope = copy.deepcopy(make(form))
    with torch.no_grad():
        for parameter in cope.parameters():
            parameter.zero_()
    R, z = rotations(2, 4), embeddings(2)
    assert not cope.grid_scores(cope.grid_bank(R[0]), z, z).any()
    found, scores = cope.refine(R, z, z, 3)
    assert torch.equal(found, R)
    assert not scores.any()


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_training_in_lower_precision_stays_near(dtype):
    cope, z = make('harmonic'), embeddings(8)
    R = roma.unitquat_to_rotmat(super_fibonacci(8)).double()
    exact = cope.apply(R, z)
    with torch.autocast('cpu', torch.bfloat16, enabled=dtype == torch.bfloat16):
        rough = copy.deepcopy(cope).float().apply(R.float(), z.float())
    assert (rough - exact).norm() / exact.norm() < (1e-5 if dtype == torch.float32 else 0.03)
