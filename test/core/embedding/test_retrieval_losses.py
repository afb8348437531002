"""Retrieval losses: against naive twins, and what they must and must not penalise."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.losses.retrieval import RotationGrid, view_retrieval_loss
from pointpng_core.geometry.so3 import frame_towards, in_plane_angles, random_rotations

TAU = 0.1
CPU = torch.device('cpu')


@pytest.fixture
def cope():
    return WignerCope((3, 3, 3, 3))


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def units(*shape, generator):
    return normalize(torch.randn(*shape, generator=generator), dim=-1)


def angle(R_a, R_b):
    return math.acos(max(-1.0, min(1.0, (float((R_a * R_b).sum()) - 1) / 2)))


def about_z(angle_rad):
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def test_the_loss_of_the_grid_agrees_with_its_twin(cope, generator):
    grid = RotationGrid(cope, rotations=200, apart_rad=0.5, device=CPU)
    source, target = (units(4, cope.dim, generator=generator) for _ in range(2))
    loss = grid.loss(source, target, tau=TAU, generator=torch.Generator().manual_seed(7))
    R_random = random_rotations((4,), generator=torch.Generator().manual_seed(7))
    values = []
    for z, z_target, R_start in zip(source, target, R_random):
        start = cope.apply(R_start, z)
        align = (z - z_target).square().sum()
        total = 1.0
        for R in grid.R:
            if angle(R, R_start.T) >= 0.5:
                gap = (cope.apply(R, start) - z_target).square().sum()
                total += math.exp(float(align - gap) / TAU)
        values.append(math.log(total))
    assert float(loss) == pytest.approx(sum(values) / 4, rel=1e-4)


def test_a_perfect_embedding_costs_little_and_an_invariant_one_the_most(cope, generator):
    grid = RotationGrid(cope, rotations=500, apart_rad=0.5, device=CPU)
    z = units(8, cope.dim, generator=generator)
    invariant = torch.zeros(8, cope.dim)
    invariant[:, :3] = z[:, :3]                             # degree 0 only
    invariant = normalize(invariant, dim=-1)
    perfect = grid.loss(z, z, tau=TAU, generator=generator)
    collapsed = grid.loss(invariant, invariant, tau=TAU, generator=generator)
    assert float(perfect) < 1.0
    assert float(collapsed) > math.log(450)                 # as many equals as wrong rotations


def test_the_loss_of_views_agrees_with_its_twin(cope, generator):
    directions = units(2, 3, 3, generator=generator)
    R_views = frame_towards(directions)
    directions_target = normalize(directions[:, 0] + 0.05, dim=-1)
    R_target = frame_towards(directions_target)
    z_views = units(2, 3, cope.dim, generator=generator)
    z_target = units(2, cope.dim, generator=generator)
    loss = view_retrieval_loss(cope, z_views, R_views, z_target, R_target, in_plane_rotations=12,
                               near_rad=0.4, far_rad=0.8, tau=TAU)
    values = []
    for own in range(2):
        right = every = 0.0
        for other in range(2):
            for view in range(3):
                for angle_rad in in_plane_angles(12):
                    R_in_plane = about_z(float(angle_rad))
                    score = cope.apply(R_in_plane, z_views[other, view]) @ z_target[own]
                    off = angle(R_in_plane @ R_views[other, view], R_target[own])
                    term = math.exp(2.0 * float(score) / TAU)
                    if other == own and off < 0.4:
                        right += term
                    if other != own or off < 0.4 or off >= 0.8:
                        every += term
        values.append(math.log(every / right))
    assert float(loss) == pytest.approx(sum(values) / 2, rel=1e-3)


def test_a_target_without_a_right_view_contributes_nothing(cope, generator):
    R_views = frame_towards(torch.tensor([[[0.0, 0.0, 1.0]], [[0.0, 0.0, 1.0]]]))
    R_target = frame_towards(torch.tensor([[0.0, 0.0, -1.0], [0.0, 0.0, -1.0]]))
    z = units(2, 1, cope.dim, generator=generator).requires_grad_()
    loss = view_retrieval_loss(cope, z, R_views, units(2, cope.dim, generator=generator), R_target,
                               in_plane_rotations=12, near_rad=0.3, far_rad=0.5, tau=TAU)
    assert loss.item() == 0.0


def test_gradients_separate_flips(cope, generator):
    """An embedding that is nearly symmetric under a flip becomes less so."""
    grid = RotationGrid(cope, rotations=500, apart_rad=0.5, device=CPU)
    flip = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    z = units(1, cope.dim, generator=generator)
    near = normalize(z + 0.97 * cope.apply(flip, z), dim=-1).requires_grad_()
    for _ in range(60):
        unit = normalize(near, dim=-1)
        loss = grid.loss(unit, unit, tau=TAU, generator=generator)
        gradient, = torch.autograd.grad(loss, near)
        near = (near - 0.02 * gradient).detach().requires_grad_()
    before = normalize(z + 0.97 * cope.apply(flip, z), dim=-1)
    after = normalize(near, dim=-1)
    similarity = [(cope.apply(flip, unit) * unit).sum().item() for unit in (before, after)]
    assert similarity[1] < similarity[0] - 0.1
