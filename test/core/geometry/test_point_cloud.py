"""Clouds from depth images and from sensors that are elsewhere."""

from helpers.objects import pose, random_rotation_matrix
import numpy as np
import pytest

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.geometry.rigid_motion import transform

CAMERA = PinholeCamera(width=5, height=4, fx=6.0, fy=7.0, cx=2.1, cy=1.4)
POINTS = np.random.default_rng(0).normal((0, 0, 4), size=(20, 3))


def depth_image():
    depth_m = np.random.default_rng(0).uniform(0.5, 2.0, size=(4, 5))
    depth_m[0, :4] = 0.0, np.nan, -1.0, np.inf
    return depth_m


def test_a_depth_image_becomes_its_points_pixel_by_pixel():
    depth_m = depth_image()
    cloud = PointCloud.from_depth(depth_m, CAMERA)
    assert (cloud.image_shape, cloud.T_cloud_sensor) == ((4, 5), None)
    assert cloud.finite_share == 16 / 20
    for row in range(4):
        for column in range(5):
            point, z = cloud.points[row * 5 + column], depth_m[row, column]
            if row == 0 and column < 4:
                assert np.isnan(point).all()
            else:
                assert point == pytest.approx(((column - 2.1) / 6 * z, (row - 1.4) / 7 * z, z))


@pytest.mark.parametrize('on', [True, 1, 255, -3, 0.5])
def test_whatever_is_not_zero_in_a_mask_is_the_object(on):
    mask = np.zeros((4, 5), dtype=type(on) if isinstance(on, bool) else np.array(on).dtype)
    mask[2, 1:3] = on
    cloud = PointCloud.from_depth(depth_image(), CAMERA, mask=mask)
    assert np.flatnonzero(np.isfinite(cloud.points[:, 0])).tolist() == [11, 12]
    assert cloud.finite_points.tolist() == cloud.points[11:13].tolist()
    assert cloud.finite_share == 16 / 20                 # of the image, not of the mask


def test_images_of_another_size_are_refused():
    with pytest.raises(CloudError, match=r'depth image has the shape \(5, 4\)'):
        PointCloud.from_depth(depth_image().T, CAMERA)
    with pytest.raises(CloudError, match=r'mask has the shape \(4, 6\)'):
        PointCloud.from_depth(depth_image(), CAMERA, mask=np.ones((4, 6)))


def test_points_are_moved_into_the_sensors_frame():
    T = pose(random_rotation_matrix(3), (1, 2, 3))
    cloud = PointCloud(points=transform(T, POINTS), T_cloud_sensor=T)
    assert cloud.sensor_points == pytest.approx(POINTS, abs=1e-6)
    assert PointCloud.of(POINTS).sensor_points is POINTS
    assert PointCloud.of(cloud) is cloud


def test_a_position_places_the_sensor_looking_at_the_points():
    in_base = np.vstack((POINTS, np.full((2, 3), np.nan)))
    cloud = PointCloud.seen_from(in_base, (0.0, -2.0, 1.0), image_shape=(2, 11))
    assert cloud.T_cloud_sensor[:3, 3] == pytest.approx((0, -2, 1))
    centroid = cloud.sensor_points[:20].mean(axis=0)
    assert centroid[:2] == pytest.approx((0, 0), abs=1e-6)
    assert centroid[2] == pytest.approx(np.linalg.norm(POINTS.mean(axis=0) - (0, -2, 1)))


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'points': np.zeros((3, 4))}, r'\(N, 3\)'),
    ({'points': np.zeros((3, 3)), 'image_shape': (2, 2)}, 'image_shape'),
    ({'points': np.zeros((3, 3)), 'T_cloud_sensor': np.eye(3)}, 'rigid motion'),
    ({'points': np.zeros((3, 3)), 'T_cloud_sensor': np.diag([1, 1, -1, 1.0])}, 'rigid motion'),
    ({'points': np.zeros((3, 3)), 'T_cloud_sensor': np.full((4, 4), np.nan)}, 'rigid motion')])
def test_impossible_clouds_are_refused(arguments, message):
    with pytest.raises(CloudError, match=message):
        PointCloud(**arguments)


def test_positions_that_cannot_be_are_refused():
    with pytest.raises(CloudError, match='three finite numbers'):
        PointCloud.seen_from(POINTS, (0, 1))
    with pytest.raises(CloudError, match='none of the 2 points is finite'):
        PointCloud.seen_from(np.full((2, 3), np.nan), (0, 0, 1))
