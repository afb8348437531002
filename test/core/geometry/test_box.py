"""Boxes: around points, and the region of interest in any frame, against one point at a time."""

from helpers.objects import pose
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.geometry.clouds.filtering import outside_blanked
from pointpng_core.geometry.clouds.measures import box_around

LOW, HIGH = np.array([-0.3, -0.2, 0.1]), np.array([0.4, 0.25, 0.6])


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
