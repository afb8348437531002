"""Rotations: against e3nn and scipy as oracles, and against what a representation must satisfy."""

import math

import numpy as np
import pytest
import roma
from scipy.linalg import expm
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre
import torch

from pointpng_core.geometry.so3 import (
    degree_slices,
    fibonacci_directions,
    flatten_blocks,
    frame_towards,
    in_plane_angles,
    real_harmonics,
    rotation_distance_rad,
    rotation_generators,
    super_fibonacci,
    wigner_blocks,
)

DEGREES = 10
POLES = torch.cat((torch.eye(3), -torch.eye(3))).double()
ROUNDING = {torch.float64: 1e-11, torch.float32: 2e-5}
both_dtypes = pytest.mark.parametrize('dtype', [torch.float32, torch.float64],
                                      ids=['float32', 'float64'])


def directions(count=50, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return torch.cat((torch.from_numpy(vectors / np.linalg.norm(vectors, axis=1)[:, None]), POLES))


def rotations(count=12, seed=0):
    """Random ones, and those at which angle parametrisations break: none, 180 degrees, tiny."""
    special = [np.zeros(3), *(np.pi * np.eye(3)), *(np.pi / 2 * np.eye(3)), *(1e-6 * np.eye(3)),
               np.array([0, np.pi - 1e-7, 0])]
    sampled = Rotation.random(count, random_state=seed).as_rotvec()
    return torch.from_numpy(Rotation.from_rotvec(np.concatenate((sampled, special))).as_matrix())


@both_dtypes
def test_harmonics_agree_with_e3nn(dtype):
    o3 = pytest.importorskip('e3nn.o3')
    d = directions()
    # e3nn's polar axis is y: its (x, y, z) is our (y, z, x).
    oracle = o3.spherical_harmonics(list(range(DEGREES + 1)), d[:, [1, 2, 0]], normalize=True,
                                    normalization='integral')
    mine = real_harmonics(d.to(dtype), DEGREES)
    assert mine.dtype == dtype
    assert (mine - oracle).abs().max() < ROUNDING[dtype]


def test_harmonics_are_orthonormal_on_the_sphere():
    """Gauss-Legendre in z times even steps in azimuth integrates products of degree 20 exactly."""
    nodes, weights = np.polynomial.legendre.leggauss(DEGREES + 1)
    azimuth = 2 * np.pi * np.arange(2 * DEGREES + 2) / (2 * DEGREES + 2)
    ring = np.sqrt(1 - nodes ** 2)[:, None]
    points = np.stack((ring * np.cos(azimuth), ring * np.sin(azimuth),
                       np.broadcast_to(nodes[:, None], (len(nodes), len(azimuth)))), axis=-1)
    values = real_harmonics(torch.from_numpy(points), DEGREES).numpy()
    area = weights * 2 * np.pi / len(azimuth)
    gram = np.einsum('a,abi,abj->ij', area, values, values)
    assert np.abs(gram - np.eye(len(gram))).max() < 1e-12


def test_harmonics_at_the_poles_are_what_the_formula_says():
    for sign in (1.0, -1.0):
        values = real_harmonics(torch.tensor([0.0, 0.0, sign]).double(), DEGREES)
        for degree, columns in enumerate(degree_slices(DEGREES)):
            expected = torch.zeros(2 * degree + 1).double()
            expected[degree] = sign ** degree * math.sqrt((2 * degree + 1) / (4 * math.pi))
            assert torch.allclose(values[columns], expected, atol=1e-13)


def test_harmonics_have_finite_slopes_at_the_poles():
    d = POLES.clone().requires_grad_()
    real_harmonics(d, DEGREES).square().sum().backward()
    assert torch.isfinite(d.grad).all()


def test_addition_theorem():
    d = directions()
    values, cosines = real_harmonics(d, DEGREES), (d @ d.T).clamp(-1, 1).numpy()
    for degree, columns in enumerate(degree_slices(DEGREES)):
        products = (values[:, columns] @ values[:, columns].T).numpy()
        legendre = (2 * degree + 1) / (4 * np.pi) * eval_legendre(degree, cosines)
        assert np.abs(products - legendre).max() < 1e-11


@both_dtypes
def test_wigner_matrices_rotate_the_harmonics(dtype):
    R, d = rotations().to(dtype), directions(seed=5).to(dtype)
    before, after = real_harmonics(d, DEGREES), real_harmonics(d @ R.transpose(1, 2), DEGREES)
    for D, columns in zip(wigner_blocks(R, DEGREES), degree_slices(DEGREES)):
        assert D.dtype == dtype
        assert (before[:, columns] @ D.transpose(1, 2) - after[..., columns]).abs().max() \
            < ROUNDING[dtype]


@both_dtypes
def test_wigner_matrices_agree_with_e3nn(dtype):
    o3 = pytest.importorskip('e3nn.o3')
    R = rotations()
    cycle = torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]).double()
    for degree, D in enumerate(wigner_blocks(R.to(dtype), 8)):
        # e3nn goes through Euler angles with arccos, which costs it digits near the poles.
        oracle = o3.Irrep(degree, 1).D_from_matrix(cycle @ R @ cycle.T)
        assert (D - oracle).abs().max() < max(ROUNDING[dtype], 1e-5)


@both_dtypes
def test_wigner_matrices_are_a_representation(dtype):
    g, h = rotations(seed=1).to(dtype), rotations(seed=2).to(dtype)
    together = wigner_blocks(g @ h, DEGREES)
    for D_g, D_h, D_gh in zip(wigner_blocks(g, DEGREES), wigner_blocks(h, DEGREES), together):
        assert (D_g @ D_h - D_gh).abs().max() < ROUNDING[dtype]


@both_dtypes
def test_wigner_matrices_are_orthogonal_with_inverse_of_the_inverse(dtype):
    R = rotations().to(dtype)
    backwards = wigner_blocks(R.transpose(1, 2), DEGREES)
    for degree, (D, back) in enumerate(zip(wigner_blocks(R, DEGREES), backwards)):
        assert (D @ D.transpose(1, 2) - torch.eye(2 * degree + 1)).abs().max() < ROUNDING[dtype]
        assert (D.transpose(1, 2) - back).abs().max() < ROUNDING[dtype]
        assert torch.allclose(torch.linalg.det(D.double()), torch.ones(len(R)).double(), atol=1e-3)


def test_wigner_characters():
    """The trace is sin((l + 1/2) angle) / sin(angle / 2), whatever the axis."""
    angles = torch.tensor([0.3, 1.1, 2.0, 3.1]).double()
    axes = directions(count=4)[:4]
    for degree, D in enumerate(wigner_blocks(roma.rotvec_to_rotmat(axes * angles[:, None]), 8)):
        traces = D.diagonal(dim1=1, dim2=2).sum(-1)
        assert torch.allclose(traces, torch.sin((degree + 0.5) * angles) / torch.sin(angles / 2),
                              atol=1e-10)


def test_wigner_batches_of_any_shape():
    R = rotations()[:12]
    single = wigner_blocks(R, 4)
    for flat, shaped in zip(single, wigner_blocks(R.reshape(3, 4, 3, 3), 4)):
        assert torch.allclose(shaped.flatten(0, 1), flat, atol=1e-13)
    for flat, alone in zip(single, wigner_blocks(R[5], 4)):
        assert torch.allclose(alone, flat[5], atol=1e-13)
    assert flatten_blocks(single).shape == (12, sum((2 * degree + 1) ** 2 for degree in range(5)))


def test_generators_exponentiate_to_wigner_matrices():
    omega = np.array([0.4, -0.9, 1.3])
    R = torch.from_numpy(Rotation.from_rotvec(omega).as_matrix())
    for J, D in zip(rotation_generators(6), wigner_blocks(R, 6)):
        assert np.abs(expm(np.einsum('i,iab->ab', omega, J.numpy())) - D.numpy()).max() < 1e-9
        assert torch.allclose(J, -J.transpose(1, 2), atol=1e-10)
        assert torch.allclose(J[0] @ J[1] - J[1] @ J[0], J[2], atol=1e-9)


@pytest.mark.parametrize('angle', [0.0, 1e-4, 1e-3, 0.5, 1.57, 3.1, math.pi - 1e-3, math.pi])
@both_dtypes
def test_distances_keep_their_digits_over_the_whole_range(angle, dtype):
    base = Rotation.random(20, random_state=3)
    axes = Rotation.random(20, random_state=4).as_matrix()[:, 0]
    rotated = base * Rotation.from_rotvec(angle * axes)
    a, b = (torch.from_numpy(r.as_matrix()).to(dtype) for r in (base, rotated))
    # Half a rounding of the trace near 180 degrees is its square root in the angle.
    tolerance = {torch.float32: 2e-3 if angle > 3 else 2e-6, torch.float64: 1e-7}[dtype]
    assert (rotation_distance_rad(a, b) - angle).abs().max() < tolerance


def test_distance_has_a_finite_slope_between_the_ends():
    rotvec = torch.tensor([0.0, 0, 0.8]).double().requires_grad_()
    rotation_distance_rad(roma.rotvec_to_rotmat(rotvec), torch.eye(3).double()).backward()
    assert torch.allclose(rotvec.grad, torch.tensor([0.0, 0, 1]).double())


@both_dtypes
def test_frames_map_their_direction_to_z(dtype):
    d = (directions() * torch.linspace(0.01, 100, 56)[:, None].double()).to(dtype)
    R = frame_towards(d)
    z = torch.nn.functional.normalize(d, dim=-1)
    assert torch.allclose((R @ z[..., None]).squeeze(-1), torch.tensor([0.0, 0, 1], dtype=dtype),
                          atol=1e-5)
    assert torch.allclose(R @ R.transpose(1, 2), torch.eye(3, dtype=dtype), atol=1e-5)
    assert torch.allclose(torch.linalg.det(R), torch.ones(56, dtype=dtype), atol=1e-5)


def test_super_fibonacci_covers_the_group_evenly():
    q = super_fibonacci(4096, dtype=torch.float64)
    assert (q[:, 3] >= 0).all()
    assert torch.allclose(q.norm(dim=1), torch.ones(4096).double())
    random = torch.from_numpy(Rotation.random(300, random_state=0).as_quat())
    gaps = torch.stack([roma.unitquat_geodesic_distance(each, q).min() for each in random])
    assert gaps.max() < (8 * math.pi ** 2 / 4096) ** (1 / 3)  # the edge of a rotation's own share
    # Entries of D^1 and D^2 average to zero over the group.
    for D in wigner_blocks(roma.unitquat_to_rotmat(q), 3)[1:]:
        assert D.mean(dim=0).abs().max() < 5e-3


def test_fibonacci_directions_cover_the_sphere_evenly():
    d = fibonacci_directions(500, dtype=torch.float64)
    assert torch.allclose(d.norm(dim=1), torch.ones(500).double())
    assert d.mean(dim=0).norm() < 1e-2
    gaps = torch.arccos((directions(count=300) @ d.T).amax(dim=1).clamp(-1, 1))
    assert math.degrees(gaps.max()) < 8
    others = (d @ d.T - 2 * torch.eye(500)).amax(dim=1)
    assert math.degrees(torch.arccos(others.max())) > 3


def test_in_plane_angles_cover_the_circle_once():
    assert np.allclose(in_plane_angles(4).numpy(), [0, np.pi / 2, np.pi, 3 * np.pi / 2])


@pytest.mark.parametrize('grid', [super_fibonacci, fibonacci_directions])
def test_empty_grids_are_refused(grid):
    with pytest.raises(ValueError, match='count = 0'):
        grid(0)
    assert len(grid(1)) == 1
