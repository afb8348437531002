"""A sensor at a known position: its orientation is decided once for each frame of clouds."""

import numpy as np
import pytest

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import FixedViewpoint, PointCloud

POSITION_M = (0.5, -1.0, 2.0)
POINTS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)


def test_the_first_cloud_of_a_frame_decides_how_the_sensor_is_turned():
    sensor = FixedViewpoint(POSITION_M)
    shape = (4, 5)
    for frame, points in (('base', POINTS), ('base', POINTS[:20]), ('map', POINTS[20:])):
        cloud = PointCloud(points=points, image_shape=shape if len(points) == 20 else None,
                           finite_share=0.5)
        placed = sensor.placed(cloud, frame)
        expected = PointCloud.seen_from(POINTS if frame == 'base' else POINTS[20:], POSITION_M)
        np.testing.assert_array_equal(placed.T_cloud_sensor, expected.T_cloud_sensor)
        assert placed.points is points
        assert (placed.image_shape, placed.finite_share) == (cloud.image_shape, 0.5)


def test_a_cloud_without_points_decides_nothing():
    sensor = FixedViewpoint(POSITION_M)
    with pytest.raises(CloudError, match='none of the 2 points is finite'):
        sensor.placed(PointCloud(points=np.full((2, 3), np.nan)), 'base')
    placed = sensor.placed(PointCloud(points=POINTS), 'base')
    np.testing.assert_array_equal(
        placed.T_cloud_sensor, PointCloud.seen_from(POINTS, POSITION_M).T_cloud_sensor)
