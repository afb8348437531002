"""A sensor that is not at the origin: by its pose or its position, everything else is the same."""

from helpers.objects import apart_deg, moved
from helpers.posed import seen
import numpy as np
import pytest

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.rigid_motion import inverse, looking_at

T_BASE_SENSOR = looking_at(np.array([0.3, -0.8, 1.1]), np.array([0.2, 0.1, 0.0]))


@pytest.fixture(scope='module')
def scene():
    T, points = seen('drill')
    return T, points, moved(T_BASE_SENSOR, points.astype(np.float64))


def test_a_pose_of_the_sensor_moves_the_answer_and_changes_nothing_else(estimator, reference,
                                                                         scene):
    _, points, in_base = scene
    own = estimator.estimate(points, [reference('drill')], viewpoint='sensor')[0]
    found = estimator.estimate(in_base, [reference('drill')], viewpoint=T_BASE_SENSOR,
                               scene_points=in_base)[0]
    assert found.T_observation_reference == pytest.approx(
        T_BASE_SENSOR @ own.T_observation_reference, abs=1e-5)
    assert (found.kind, found.score) == (own.kind, pytest.approx(own.score, abs=1e-6))


def test_a_point_cloud_says_where_its_sensor_is(estimator, reference, scene):
    _, points, in_base = scene
    drill = [reference('drill')]
    cloud = PointCloud(points=in_base, T_cloud_sensor=T_BASE_SENSOR)
    for given, array, viewpoint in ((cloud, in_base, T_BASE_SENSOR),
                                    (PointCloud.of(points), points, None)):
        found, same = (estimator.estimate(given, drill)[0],
                       estimator.estimate(array, drill, viewpoint=viewpoint)[0])
        np.testing.assert_array_equal(found.T_observation_reference, same.T_observation_reference)
    with pytest.raises(CloudError, match='different T_cloud_sensor'):
        estimator.estimate_batch([cloud, PointCloud.of(points)], drill)


def test_a_reference_from_a_view_may_be_a_point_cloud(estimator, scene):
    _, points, in_base = scene
    own = estimator.reference_from_view(points, name='drill', keep=False)
    cloud = PointCloud(points=in_base, T_cloud_sensor=T_BASE_SENSOR)
    found = estimator.reference_from_view(cloud, name='drill', keep=False)
    assert found.diameter_m == pytest.approx(own.diameter_m, abs=1e-6)
    assert found.centre == pytest.approx(own.centre, abs=1e-6)


@pytest.mark.parametrize('viewpoint', [T_BASE_SENSOR[:3, 3], tuple(T_BASE_SENSOR[:3, 3])])
def test_a_position_is_enough(estimator, reference, scene, viewpoint):
    T, _, in_base = scene
    found = estimator.estimate(in_base, [reference('drill')], viewpoint=viewpoint)[0]
    assert apart_deg(found.T_observation_reference, T_BASE_SENSOR @ T) < 1
    assert found.T_observation_reference[:3, 3] == pytest.approx((T_BASE_SENSOR @ T)[:3, 3],
                                                                 abs=0.002)


def test_tracking_and_judging_take_poses_in_the_frame_of_the_points(estimator, reference, scene):
    T, points, in_base = scene
    own = estimator.track(points, reference('drill'), T, viewpoint='sensor')
    found = estimator.track(in_base, reference('drill'), T_BASE_SENSOR @ T,
                            viewpoint=T_BASE_SENSOR)
    assert found.T_observation_reference == pytest.approx(
        T_BASE_SENSOR @ own.T_observation_reference, abs=1e-5)
    poses = [T_BASE_SENSOR @ T], [T]
    scores = [estimator.judge_batch([cloud], [reference('drill')], each,
                                    viewpoint=viewpoint)[0].score
              for cloud, each, viewpoint in zip((in_base, points), poses,
                                                (T_BASE_SENSOR, 'sensor'))]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    assert scores[0] > 0.8


def test_impossible_viewpoints_are_refused_with_what_is_expected(estimator, reference, scene):
    in_base = scene[2]
    for viewpoint in ((1.0, 2.0), (np.nan, 0.0, 0.0), 2 * np.eye(4)):
        with pytest.raises(ConfigError, match=r'viewpoint = .*position \(3,\)'):
            estimator.estimate(in_base, [reference('drill')], viewpoint=viewpoint)
    with pytest.raises(ConfigError, match='auto, sensor, none'):
        estimator.estimate(in_base, [reference('drill')], viewpoint='above')
    with pytest.raises(CloudError, match='cannot have seen'):
        estimator.estimate(in_base, [reference('drill')], viewpoint=in_base.mean(axis=0))
    with pytest.raises(CloudError, match='shape'):
        estimator.estimate(in_base[:, :2], [reference('drill')], viewpoint=np.eye(4))


def test_a_camera_that_looks_at_a_point_has_it_ahead_and_its_image_upright():
    rng = np.random.default_rng(0)
    for position, target in rng.normal(size=(20, 2, 3)):
        T = looking_at(position, target)
        assert (inverse(T) @ np.append(target, 1.0))[:3] == pytest.approx(
            (0, 0, np.linalg.norm(target - position)))
        assert T[2, 0] == pytest.approx(0)          # x, to the right, is horizontal
        assert T[2, 1] < 0                          # y points down
        assert np.linalg.det(T[:3, :3]) == pytest.approx(1)
    down = looking_at(np.array([0.0, 0.0, 1.0]), np.zeros(3))
    assert down[:3, :3] == pytest.approx(np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1]]))
    assert inverse(down) @ down == pytest.approx(np.eye(4))
