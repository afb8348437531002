"""Finite points, bounding boxes and regions of interest, against one point at a time."""

from helpers.objects import pose
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import (
    finite_rows,
    require_points,
)
from pointpng_core.geometry.clouds.filtering import outside_blanked
from pointpng_core.geometry.clouds.measures import box_around

LOW, HIGH = np.array([-0.3, -0.2, 0.1]), np.array([0.4, 0.25, 0.6])


def cloud(count=60, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32) * scale


def blanked_one_by_one(points, T_box_cloud):
    rows = []
    for point in points:
        x, y, z, _ = T_box_cloud @ [*point, 1.0]
        inside = LOW[0] <= x <= HIGH[0] and LOW[1] <= y <= HIGH[1] and LOW[2] <= z <= HIGH[2]
        rows.append(point if inside else [np.nan] * 3)
    return np.array(rows, points.dtype)


@pytest.mark.parametrize('T_box_cloud', [None, pose(
    Rotation.from_euler('xyz', (0.4, -1.1, 2.0)).as_matrix(), (0.2, -0.1, 0.3))])
def test_points_outside_become_holes(T_box_cloud):
    points = np.random.default_rng(0).uniform(-0.7, 0.7, (2000, 3)).astype(np.float32)
    points[5], points[6] = np.nan, np.inf
    kept = outside_blanked(points, LOW, HIGH, T_box_cloud)
    with np.errstate(invalid='ignore'):
        twin = blanked_one_by_one(points, np.eye(4) if T_box_cloud is None else T_box_cloud)
    np.testing.assert_array_equal(kept, twin)
    assert kept.dtype == points.dtype
    share = np.isfinite(kept[:, 0]).mean()
    assert 0.02 < share < 0.2


def test_the_border_belongs_to_the_box_and_the_cloud_is_left_alone():
    corners = np.stack([LOW, HIGH])
    points = np.concatenate([corners, corners + np.array([[-1e-9], [1e-9]])])
    before = points.copy()
    kept = outside_blanked(points, LOW, HIGH)
    assert np.isfinite(kept).all(axis=1).tolist() == [True, True, False, False]
    np.testing.assert_array_equal(points, before)


def test_the_box_around_points_touches_them_on_all_sides():
    points = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32) + 3
    centre, size = box_around(points)
    ways = (points - centre) / (size / 2)
    np.testing.assert_allclose(ways.max(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(ways.min(axis=0), -1, atol=1e-5)


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
    with pytest.raises(CloudError, match=r'view 7: 5 finite points of 8; at least 6'):
        require_points(points, least=6, what='view 7')


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
    with pytest.raises(CloudError, match=r'cloud: expected an \(N, 3\) array'):
        require_points(bad, least=1, what='cloud')
