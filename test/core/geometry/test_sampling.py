"""Random, farthest-point and voxel-grid sampling against naive twins."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.geometry.clouds import (
    farthest_points,
    random_points,
    voxel_downsample,
)

seeds = st.integers(0, 2 ** 32 - 1)
FAR = np.array([6.0, -3.0, 8.0])


def cloud(count=60, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32) * scale


def naive_farthest(points, count):
    chosen = [int(np.argmax(((points - points.mean(axis=0)) ** 2).sum(axis=1)))]
    while len(chosen) < count:
        chosen.append(int(np.argmax(cdist(points, points[chosen]).min(axis=1))))
    return chosen


@settings(max_examples=25, deadline=None)
@given(seed=seeds, count=st.integers(1, 30))
def test_farthest_points_is_its_naive_twin(seed, count):
    points = cloud(30, seed).astype(np.float64)
    assert farthest_points(torch.from_numpy(points)[None], count)[0].tolist() \
        == naive_farthest(points, count)


def test_farthest_points_of_a_batch_are_those_of_each_cloud():
    batch = torch.from_numpy(np.stack([cloud(40, seed) for seed in range(5)]))
    together = farthest_points(batch, 12)
    for points, chosen in zip(batch, together):
        assert torch.equal(farthest_points(points[None], 12)[0], chosen)


def test_farthest_points_rotate_with_the_cloud():
    points = cloud(200).astype(np.float64)
    rotated = points @ Rotation.random(random_state=1).as_matrix().T + FAR
    a, b = (farthest_points(torch.from_numpy(each)[None], 20) for each in (points, rotated))
    assert torch.equal(a, b)


def test_farthest_points_of_fewer_distinct_points_take_each_of_them():
    points = torch.from_numpy(cloud(5)).repeat(4, 1)
    chosen = farthest_points(points[None], 9)[0]
    assert len(torch.unique(points[chosen], dim=0)) == 5
    assert farthest_points(torch.zeros(1, 6, 3), 4).max() < 6


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 40), count=st.integers(1, 100), seed=seeds)
def test_random_points_repeat_only_when_they_must(size, count, seed):
    points = np.arange(3 * size, dtype=np.float32).reshape(size, 3)
    sampled = random_points(points, count, seed=seed)
    times = np.bincount((sampled[:, 0] / 3).astype(int), minlength=size)
    assert len(sampled) == count
    assert times.max() - times.min() <= 1
    assert np.array_equal(sampled, random_points(points, count, seed=seed))
    assert np.array_equal(sampled[:, 0] + 1, sampled[:, 1])


def test_random_points_take_all_parts_alike():
    points = np.repeat(np.arange(1000, dtype=np.float32)[:, None], 3, axis=1)
    assert abs(random_points(points, 300)[:, 0].mean() - 499.5) < 60
    assert not np.array_equal(random_points(points, 9, seed=0), random_points(points, 9, seed=1))


@pytest.mark.parametrize('size', [100, 256, 300, 1000])
def test_any_leading_part_of_a_random_sample_is_random(size):
    """A segment comes row by row; its first points must not be those of its top rows."""
    points = np.repeat(np.arange(size, dtype=np.float32)[:, None], 3, axis=1)
    leading = random_points(points, 256)[:64, 0]
    assert abs(leading.mean() / size - 0.5) < 0.15
    assert leading.max() > 0.8 * size


def test_a_small_cloud_is_repeated_evenly():
    points = np.arange(30, dtype=np.float32).reshape(10, 3)
    _, counts = np.unique(random_points(points, 25)[:, 0], return_counts=True)
    assert len(counts) == 10
    assert set(counts) == {2, 3}


def naive_voxels(points, size):
    cells = {}
    low = points.min(axis=0)
    for point in points:
        cells.setdefault(tuple(np.floor((point - low) / size).astype(int)), []).append(point)
    return np.array([np.mean(cells[key], axis=0) for key in sorted(cells)])


@settings(max_examples=40, deadline=None)
@given(seed=seeds, count=st.integers(1, 80), size=st.floats(0.05, 5.0))
def test_voxels_are_their_naive_twin(seed, count, size):
    points = cloud(count, seed).astype(np.float64)
    expected = naive_voxels(points, size)
    found = voxel_downsample(points, size)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-6


def test_voxels_far_away_are_those_nearby_moved():
    points = cloud(500, scale=0.05).astype(np.float64)
    near, far = voxel_downsample(points, 0.02), voxel_downsample(points + FAR, 0.02)
    assert np.abs(near + FAR - far).max() < 2e-6


@pytest.mark.parametrize('size', [0.0, -1.0, float('nan')])
def test_voxels_without_size_are_refused(size):
    with pytest.raises(ValueError, match='size_m'):
        voxel_downsample(cloud(), size)
