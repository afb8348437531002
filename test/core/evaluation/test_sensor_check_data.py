"""Real and simulated whole frames: none is taken for one of another frame, all moved ones are."""

import os
from pathlib import Path

import numpy as np
import pytest

from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.clouds.sensor_check import sensor_mismatch
from pointpng_core.geometry.rigid_motion import looking_at, transform
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.io.bop import BopDataset

DATA = Path(os.environ.get('POINTPNG_DATA', Path(__file__).parents[4] / 'shared' / 'data'))
T_BASE_CAMERAS = [looking_at(np.array(at), np.array(at) + np.array((0.64, 0.0, -0.77)))
                  for at in ((-0.5, 0.0, 0.5), (0.0, 0.0, 1.0), (-1.0, 0.0, 1.5))]


def recorded():
    with CloudBag(DATA / 'tabletop_kinect') as bag:
        for _, message in bag.clouds(bag.choose_topic(None)):
            yield decode_cloud(message)


def rendered(name):
    for frame in BopDataset(DATA / 'bop' / name).frames():
        yield PointCloud.from_depth(frame.depth_m(), frame.camera)


@pytest.mark.data
@pytest.mark.parametrize('name', ['tabletop_kinect', 'ycb', 'rutgers', 'pcl_milk', 'clutter'])
def test_frames_of_a_camera_pass_and_the_same_moved_to_a_base_do_not(name):
    if not (DATA / 'bop').is_dir():
        pytest.skip(f'no {DATA}/bop: set POINTPNG_DATA to the folder of the shared data sets')
    clouds = list(recorded() if name == 'tabletop_kinect' else rendered(name))[::3]
    for cloud in clouds:
        assert sensor_mismatch(cloud) is None
        assert sensor_mismatch(PointCloud(points=cloud.finite_points)) is None
        for T in T_BASE_CAMERAS:
            points = transform(T, cloud.points).astype(np.float32)
            assert sensor_mismatch(PointCloud(points=points, image_shape=cloud.image_shape))
