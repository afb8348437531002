"""Neighbours, spacing, normals, centroid and diameter of clouds."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.geometry.clouds import (
    centred,
    diameter_m,
    estimate_normals,
    knn,
    spacing_m,
)

seeds = st.integers(0, 2 ** 32 - 1)
FAR = np.array([6.0, -3.0, 8.0])


def cloud(count=60, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32) * scale


def sphere(count=2000, seed=0):
    points = cloud(count, seed).astype(np.float64)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize('shift', [0.0, 10.0])
def test_neighbours_are_those_of_brute_force_even_far_from_the_origin(shift):
    points = np.stack([cloud(80, seed, 0.05) for seed in range(3)]) + np.float32(shift)
    queries = np.stack([cloud(20, seed + 9, 0.05) for seed in range(3)]) + np.float32(shift)
    distances, indices = knn(torch.from_numpy(queries), torch.from_numpy(points), 6)
    for each in range(3):
        naive = cdist(queries[each].astype(np.float64), points[each].astype(np.float64))
        assert np.abs(distances[each].numpy() - np.sort(naive, axis=1)[:, :6]).max() < 4e-6
        found = np.take_along_axis(naive, indices[each].numpy(), axis=1)
        assert np.abs(found - distances[each].numpy()).max() < 4e-6
        assert all(len(set(row)) == 6 for row in indices[each].tolist())


def test_small_distances_in_a_wide_cloud_keep_their_digits():
    corners = np.float32([[-2, -2, 3], [2, 2, 7], [2, -2, 3]])
    points = torch.from_numpy(np.concatenate((corners, corners + np.float32([2 ** -10, 0, 0]))))
    distances, indices = knn(points[None], points[None], 2)
    assert indices[0, :, 1].tolist() == [3, 4, 5, 0, 1, 2]
    assert distances[0, :, 1].tolist() == pytest.approx([2 ** -10] * 6, rel=1e-3)


def test_spacing_of_a_grid_is_its_step():
    grid = np.stack(np.meshgrid(*[np.arange(6) * 0.25] * 3), axis=-1).reshape(-1, 3)
    assert spacing_m(grid) == pytest.approx(0.25)
    assert spacing_m(np.repeat(grid, 3, axis=0)) == pytest.approx(0.25)
    assert spacing_m(np.ones((10, 3))) == 0.0
    assert spacing_m(np.ones((1, 3))) == 0.0


def test_normals_of_a_sphere_are_its_radii():
    points = sphere()
    normals = estimate_normals(points)
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-6
    assert np.degrees(np.arccos((normals * points).sum(axis=1).clip(-1, 1))).max() < 15
    assert np.degrees(np.arccos((normals * points).sum(axis=1).clip(-1, 1))).mean() < 4


def test_normals_of_a_cylinder_have_no_axial_part():
    rng = np.random.default_rng(0)
    angle, height = rng.uniform(0, 2 * np.pi, 3000), rng.uniform(-1, 1, 3000)
    radial = np.stack((np.cos(angle), np.sin(angle), 0 * angle), axis=1)
    normals = estimate_normals(radial + height[:, None] * [0, 0, 1])
    inner = np.abs(height) < 0.8
    assert np.degrees(np.arccos((normals * radial).sum(axis=1).clip(-1, 1)))[inner].mean() < 4


@pytest.mark.parametrize('kind', [np.float32, np.float64])
def test_normals_of_a_plane_far_away_point_to_the_viewpoint(kind):
    rng = np.random.default_rng(0)
    R = Rotation.random(random_state=2).as_matrix()
    plane = (np.c_[rng.uniform(-0.1, 0.1, (400, 2)), np.zeros(400)] @ R.T + FAR).astype(kind)
    normal = R[:, 2] * -np.sign(R[:, 2] @ FAR)
    for viewpoint, expected in ((np.zeros(3), normal), (2 * FAR, -normal)):
        normals = estimate_normals(plane, viewpoint=viewpoint)
        assert np.degrees(np.arccos((normals @ expected).clip(-1, 1))).max() < 0.5


def test_normals_of_fewer_points_than_neighbours_are_still_unit():
    normals = estimate_normals(cloud(4))
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)


def test_centring_far_away_keeps_the_shape():
    points = (cloud(1000, scale=0.05) + FAR).astype(np.float32)
    local, centroid = centred(points)
    assert local.dtype == np.float32
    assert centroid.dtype == np.float64
    assert np.abs(local.astype(np.float64).mean(axis=0)).max() < 1e-7
    assert np.abs(local + centroid - points).max() < 1e-7


@settings(max_examples=25, deadline=None)
@given(seed=seeds, count=st.integers(1, 60))
def test_diameter_is_the_largest_distance(seed, count):
    points = cloud(count, seed)
    assert diameter_m(points) == pytest.approx(cdist(points, points).max(), rel=1e-6)


@pytest.mark.parametrize(('points', 'expected'), [
    (np.zeros((5, 3)), 0.0), (np.zeros((1, 3)), 0.0),
    (np.outer(np.arange(5), [0.0, 3, 4]), 20.0),
    (np.stack(np.meshgrid([0.0, 3], [0.0, 4], [0.0]), -1).reshape(-1, 3), 5.0)],
    ids=['one place', 'one point', 'line', 'flat'])
def test_diameter_of_degenerate_clouds(points, expected):
    assert diameter_m(points) == pytest.approx(expected)
