"""The VIEWPOINT of PCD files: position, and quaternion w x y z where it is one."""

from helpers.objects import pose, random_rotation_matrix
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import FileError
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.io import read_point_cloud, write_cloud

AHEAD = np.random.default_rng(0).uniform((-0.1, -0.1, 0.6), (0.1, 0.1, 0.8), size=(50, 3))
T = pose(random_rotation_matrix(4), (0.3, -0.2, 1.5))


def pcd(tmp_path, points, viewpoint=None):
    path = tmp_path / 'cloud.pcd'
    write_cloud(path, points)
    if viewpoint is not None:
        path.write_bytes(path.read_bytes().replace(b'VIEWPOINT 0 0 0 1 0 0 0', viewpoint.encode()))
    return path


def line(T, quaternion=None):
    x, y, z, w = Rotation.from_matrix(T[:3, :3]).as_quat()
    return 'VIEWPOINT ' + ' '.join(map(str, (*T[:3, 3], *(quaternion or (w, x, y, z)))))


def test_by_default_the_sensor_is_at_the_origin(tmp_path):
    assert read_point_cloud(pcd(tmp_path, AHEAD)).T_cloud_sensor is None
    assert read_point_cloud(pcd(tmp_path, AHEAD, 'VERSION_')).T_cloud_sensor is None
    write_cloud(tmp_path / 'cloud.ply', AHEAD)
    assert read_point_cloud(tmp_path / 'cloud.ply').T_cloud_sensor is None


@pytest.mark.parametrize(('unit', 'scale'), [('m', 1.0), ('mm', 0.001)])
def test_position_and_quaternion_are_the_pose_of_the_optical_frame(tmp_path, unit, scale):
    file_T = T.copy()
    file_T[:3, 3] /= scale
    cloud = read_point_cloud(pcd(tmp_path, transform(T, AHEAD) / scale, line(file_T)), unit=unit)
    assert cloud.T_cloud_sensor == pytest.approx(T, abs=1e-6)
    assert cloud.sensor_points == pytest.approx(AHEAD, abs=1e-5)


def test_a_quaternion_that_looks_away_does_not_count(tmp_path):
    cloud = read_point_cloud(pcd(tmp_path, AHEAD - (0, 0, 3), line(pose(np.eye(3), (0, 0, 1.5)))))
    assert cloud.T_cloud_sensor[:3, 3] == pytest.approx((0, 0, 1.5))
    assert cloud.sensor_points[:, 2].min() > 3


def test_it_counts_behind_a_long_header(tmp_path):
    path = pcd(tmp_path, transform(T, AHEAD), line(T))
    path.write_bytes(b'# a long comment\n' * 1000 + path.read_bytes())
    assert read_point_cloud(path).T_cloud_sensor == pytest.approx(T, abs=1e-6)


@pytest.mark.parametrize('stray', [[[0, 0, 1e9]], np.zeros((400, 3)), [[0, 0, 1e9]] * 9])
def test_stray_points_do_not_turn_the_sensor(tmp_path, stray):
    """By the centroid of all they would lie ahead of a sensor that looks away."""
    viewpoint = line(pose(np.eye(3), (0, 0, 1.5)))
    clean, found = (read_point_cloud(pcd(tmp_path, points - (0, 0, 3), viewpoint)).T_cloud_sensor
                    for points in (AHEAD, np.concatenate((AHEAD, stray + np.float64((0, 0, 3))))))
    assert found == pytest.approx(clean, abs=1e-6)


@pytest.mark.parametrize('text', ['VIEWPOINT 1 2 3', 'VIEWPOINT 0 0 0 0 0 0 0',
                                  'VIEWPOINT 0 0 nan 1 0 0 0', 'VIEWPOINT a b c d e f g'])
def test_a_viewpoint_that_is_none_is_refused(tmp_path, text):
    with pytest.raises(FileError, match=r'VIEWPOINT is .* seven numbers'):
        read_point_cloud(pcd(tmp_path, AHEAD, text))
