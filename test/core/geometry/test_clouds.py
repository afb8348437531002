"""Cloud operations against naive twins, on analytic surfaces, and far from the origin."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import (
    centred,
    diameter_m,
    estimate_normals,
    farthest_points,
    finite_rows,
    knn,
    random_points,
    require_points,
    spacing_m,
    voxel_downsample,
)
from pointpng_core.geometry.clouds.visibility import visible_or_grazing_points, visible_points

seeds = st.integers(0, 2 ** 32 - 1)
FAR = np.array([6.0, -3.0, 8.0])


def cloud(count=60, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32) * scale


def sphere(count=2000, seed=0):
    points = cloud(count, seed).astype(np.float64)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


# --- finite points -------------------------------------------------------------------------


def test_only_rows_with_three_finite_coordinates_stay_in_order():
    points = cloud(8)
    points[1, 0], points[3, 2], points[6, 1] = np.nan, np.inf, -np.inf
    assert finite_rows(points).tolist() == [True, False, True, False, True, True, False, True]
    kept = require_points(points, least=5, what='x')
    assert kept.dtype == np.float32
    assert np.array_equal(kept, points[[0, 2, 4, 5, 7]])


def test_too_few_finite_points_are_refused_by_name_and_number():
    points = cloud(8)
    points[:3] = np.nan
    with pytest.raises(CloudError, match=r'look 7: 5 finite points of 8; at least 6'):
        require_points(points, least=6, what='look 7')


@pytest.mark.parametrize('kind', [np.float64, np.float16, np.int16, np.uint8, np.int64])
def test_any_number_type_is_taken(kind):
    points = (np.abs(cloud(20, scale=5)) + 1).astype(kind)
    kept = require_points(points, least=20, what='x')
    assert kept.dtype == np.float32
    assert np.array_equal(kept, points.astype(np.float32))


def test_doubles_beyond_float32_count_as_not_finite():
    points = cloud(5).astype(np.float64)
    points[2, 1] = 1e300
    assert len(require_points(points, least=1, what='x')) == 4


@pytest.mark.parametrize('bad', [np.zeros(9), np.zeros((4, 2)), np.zeros((2, 4, 3)),
                                 np.zeros((4, 3), complex), np.array([['a', 'b', 'c']]),
                                 np.zeros((4, 3), bool), np.zeros((4, 3), object)])
def test_what_is_no_cloud_is_refused(bad):
    with pytest.raises(CloudError, match=r'thing: expected an \(N, 3\) array'):
        require_points(bad, least=1, what='thing')


# --- sampling ------------------------------------------------------------------------------


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
    drawn = random_points(points, count, seed=seed)
    times = np.bincount((drawn[:, 0] / 3).astype(int), minlength=size)
    assert len(drawn) == count
    assert times.max() - times.min() <= 1
    assert np.array_equal(drawn, random_points(points, count, seed=seed))
    assert np.array_equal(drawn[:, 0] + 1, drawn[:, 1])


def test_random_points_take_all_parts_alike():
    points = np.repeat(np.arange(1000, dtype=np.float32)[:, None], 3, axis=1)
    assert abs(random_points(points, 300)[:, 0].mean() - 499.5) < 60
    assert not np.array_equal(random_points(points, 9, seed=0), random_points(points, 9, seed=1))


# --- neighbours ----------------------------------------------------------------------------


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


# --- normals -------------------------------------------------------------------------------


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


# --- voxels --------------------------------------------------------------------------------


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


# --- extent --------------------------------------------------------------------------------


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


# --- visibility ----------------------------------------------------------------------------


@pytest.mark.parametrize('known', [True, False], ids=['normals', 'no normals'])
def test_of_a_sphere_the_cap_that_faces_the_camera_is_seen(known):
    points = sphere(6000)
    camera = np.array([0.0, 3.0, 4.0])
    seen = visible_points(points, camera, spacing_m=spacing_m(points) * 1.5,
                          normals=points if known else None)
    height = points @ camera / 5  # the horizon of a unit sphere seen from 5 lies at 1 / 5
    assert seen[height > 0.8].mean() > 0.99
    assert seen[height < -0.1].mean() < 0.01
    if known:
        assert not seen[height < 0.199].any()


def test_a_plate_hides_what_is_behind_it():
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60)), -1).reshape(-1, 2)
    front, back = np.c_[grid, np.full(3600, 0.5)], np.c_[0.5 * grid, np.full(3600, -0.5)]
    seen = visible_points(np.r_[front, back], np.array([0.0, 0, 6]), spacing_m=0.034)
    assert seen[:3600].all()
    assert not seen[3600:].any()
    assert visible_points(np.r_[front, back], np.array([0.0, 0, -6]), spacing_m=0.034)[3600:].all()


def test_a_wall_that_is_grazed_is_shown_and_what_it_hides_is_not():
    """A box seen over its edge: the top and the long side under slants, the rest hidden."""
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 81), np.linspace(-1, 1, 81)), -1).reshape(-1, 2)
    side = np.full(len(grid), 1.0)
    faces = {'top': (np.c_[grid, side], (0, 0, 1)), 'wall': (np.c_[grid[:, 0], side, grid[:, 1]],
                                                            (0, 1, 0)),
             'bottom': (np.c_[grid, -side], (0, 0, -1))}
    points = np.vstack([face for face, _ in faces.values()])
    normals = np.repeat(np.array([normal for _, normal in faces.values()], float), len(grid), 0)
    slant = np.radians(60.0)
    camera = 8.0 * np.array([0.0, np.cos(slant), np.sin(slant)])
    either = normals * np.where(np.arange(len(points)) % 2, 1.0, -1.0)[:, None]
    shown = visible_or_grazing_points(points, camera, spacing_m=0.025, normals=either)
    top, wall, bottom = shown.reshape(3, -1).mean(axis=1)
    assert top > 0.99
    assert wall > 0.8
    assert bottom < 0.02
    sure = visible_points(points, camera, spacing_m=0.025, normals=normals)
    assert sure.reshape(3, -1).mean(axis=1)[1] < 0.4


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
