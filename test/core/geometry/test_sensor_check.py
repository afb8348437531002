"""Clouds that cannot come from the sensor that they are said to come from, and those that can."""

from helpers.tracking import shoot, standing
import numpy as np
import pytest

from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.clouds.sensor_check import (
    overlap_share,
    sensor_mismatch,
    unit_mismatch,
)
from pointpng_core.geometry.rigid_motion import looking_at, transform

SHAPE = (240, 320)
OBJECTS = (standing('drill', -0.2, 0.05, 60), standing('mug', 0.2, 0.0, 200),
           standing('can', 0.0, 0.15))
POSITIONS = [(-0.5, 0.0, 0.5), (0.0, 0.0, 1.0), (-1.0, 0.3, 1.0), (-1.5, 0.0, 0.5)]
T_BASE_SENSORS = [looking_at(np.array(at), np.add(at, (0.64, 0.0, -0.77))) for at in POSITIONS]


@pytest.fixture(scope='module')
def frame():
    return shoot(OBJECTS).reshape(-1, 3)


def shuffled(points):
    finite = points[np.isfinite(points).all(axis=1)]
    return np.random.default_rng(0).permutation(finite)


def in_base(T, points):
    return transform(T, points).astype(np.float32)


def test_frames_of_a_camera_at_the_origin_pass(frame):
    assert sensor_mismatch(PointCloud(points=frame, image_shape=SHAPE)) is None
    assert sensor_mismatch(PointCloud(points=shuffled(frame))) is None


@pytest.mark.parametrize('T', T_BASE_SENSORS)
def test_organised_clouds_in_another_frame_tell_where_the_camera_was(frame, T):
    points = in_base(T, frame)
    reason = sensor_mismatch(PointCloud(points=points, image_shape=SHAPE))
    assert 'at the origin of its frame' in reason
    position = ', '.join(f'{value:.2f}' for value in T[:3, 3] + 0.0)
    assert f'the camera was at ({position}) m' in reason.replace('-0.00', '0.00')
    assert sensor_mismatch(PointCloud(points=points, image_shape=SHAPE, T_cloud_sensor=T)) is None
    known = PointCloud.seen_from(points, T[:3, 3], image_shape=SHAPE)
    assert sensor_mismatch(known) is None


@pytest.mark.parametrize('T', T_BASE_SENSORS)
def test_in_other_clouds_surfaces_overlap(frame, T):
    points = in_base(T, shuffled(frame))
    reason = sensor_mismatch(PointCloud(points=points))
    assert 'lie behind or before others' in reason
    assert sensor_mismatch(PointCloud(points=points, T_cloud_sensor=T)) is None


def test_a_wrong_position_is_said_with_the_right_one(frame):
    T = T_BASE_SENSORS[0]
    wrong = T.copy()
    wrong[2, 3] += 0.5
    reason = sensor_mismatch(PointCloud(points=in_base(T, frame), image_shape=SHAPE,
                                        T_cloud_sensor=wrong))
    assert 'a sensor at (-0.50, 0.00, 1.00) m' in reason
    assert 'the camera was at (-0.50, 0.00, 0.50) m' in reason.replace('-0.00', '0.00')


def test_turned_about_the_camera_a_cloud_is_still_its_view(frame):
    T = T_BASE_SENSORS[0].copy()
    T[:3, 3] = 0.0
    assert sensor_mismatch(PointCloud(points=in_base(T, frame), image_shape=SHAPE)) is None
    assert sensor_mismatch(PointCloud(points=in_base(T, shuffled(frame)))) is None


def test_points_before_and_behind_are_no_view_of_a_camera():
    points = np.random.default_rng(0).normal((0.1, 0, 0), 1.0, size=(5000, 3))
    assert overlap_share(points, np.zeros(3)) > 0.3


def test_rows_of_a_turning_lidar_are_no_image_but_its_view():
    azimuth, elevation = np.meshgrid(np.linspace(-0.9, 0.9, 400), np.linspace(-0.3, 0.3, 64))
    range_m = 3.0 + 0.3 * np.sign(np.sin(9 * azimuth))
    points = np.stack((range_m * np.cos(elevation) * np.cos(azimuth),
                       range_m * np.cos(elevation) * np.sin(azimuth),
                       range_m * np.sin(elevation)), axis=-1).reshape(-1, 3)
    assert sensor_mismatch(PointCloud(points=points, image_shape=azimuth.shape)) is None


@pytest.mark.parametrize('points', [np.zeros((0, 3)), np.full((500, 3), np.nan), np.ones((500, 3)),
                                    np.zeros((500, 3)), np.eye(3)])
@pytest.mark.parametrize('organised', [True, False])
def test_clouds_of_too_little_pass(points, organised):
    shape = (2, len(points) // 2) if organised and len(points) % 2 == 0 else None
    assert sensor_mismatch(PointCloud(points=points, image_shape=shape)) is None


@pytest.mark.parametrize('placeholder', [(0.0, 0.0, 0.0), (-1.0, -1.0, -1.0), (0.2, 0.1, -1.0),
                                         (9.0, 2.0, 65.535)])
def test_placeholders_of_pixels_without_a_reading_say_nothing_of_the_sensor(frame, placeholder):
    points = shuffled(frame)
    points[::3] = placeholder
    assert sensor_mismatch(PointCloud(points=points)) is None
    holed = np.where(np.isfinite(frame), frame, np.float32(placeholder))
    assert sensor_mismatch(PointCloud(points=holed, image_shape=SHAPE)) is None
    assert unit_mismatch(PointCloud(points=points)) is None


@pytest.mark.parametrize(('factor', 'word'), [(1000, 'more'), (1e-3, 'less'), (100, 'more')])
def test_frames_in_another_unit_are_told(frame, factor, word):
    assert unit_mismatch(PointCloud(points=frame)) is None
    for points in (frame * np.float32(factor), shuffled(frame) * np.float32(factor)):
        assert f'{word} than' in unit_mismatch(PointCloud(points=points))
    far = frame + np.float32([0, 0, 400])
    T = np.eye(4)
    T[2, 3] = 400
    assert unit_mismatch(PointCloud(points=far, T_cloud_sensor=T)) is None
    assert unit_mismatch(PointCloud(points=np.full((5, 3), np.nan, np.float32))) is None
