"""Rigid motions: of points, and at constant velocity: over their time, blended, none at all."""

from helpers.objects import apart_deg, pose, random_rotation_matrix
import numpy as np
import pytest

from pointpng_core.geometry.rigid_motion import STILL, Motion, transform


def test_a_motion_over_its_time_is_the_whole_motion():
    centre = np.array([0.3, -0.1, 0.2])
    T = pose(random_rotation_matrix(3), (0.1, 0.2, 0.3))
    assert np.allclose(Motion.of(T, centre).over(1.0, centre), T)
    half = Motion.of(T, centre, time=2.0).over(1.0, centre)
    assert apart_deg(half, np.eye(4)) == pytest.approx(apart_deg(T, np.eye(4)) / 2)
    assert np.allclose(STILL.over(5.0, centre), np.eye(4))
    assert np.allclose(Motion.of(T, centre).blended(STILL, 1.0).over(1.0, centre), np.eye(4))


def test_moved_points_are_those_of_homogeneous_coordinates():
    T = pose(random_rotation_matrix(3), (0.1, 0.2, 0.3))
    points = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    moved = transform(T, points)
    assert moved.dtype == np.float64
    assert np.allclose(moved, (T @ np.column_stack((points, np.ones(20))).T).T[:, :3])
