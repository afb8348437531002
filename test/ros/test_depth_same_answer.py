"""The same frames as clouds and as depth images: the same poses, but for the rounding of depth."""

from depth_rig import DepthRig, DepthShot
import numpy as np
import pytest
from std_msgs.msg import Header
from test_node import Rig, poses_of
from test_node_real import cloud, node

from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.sample_files import write_catalogue
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld
from pointpng_ros.messages.depth_messages import camera_info, encode_depth
from pointpng_ros.messages.pose_messages import matrix_from_transform

NAMES = ('mug', 'drill')
AGREED = {'32FC1': (1e-6, 1e-6), '16UC1': (1e-3, 1.5e-2)}
"""Of positions in metres and of entries of rotations. Eight frames of four objects differed by at
most 0.58 mm and 0.011 through the rounding to millimetres."""


@pytest.fixture(scope='module')
def frames():
    simulator = DepthSimulator(TabletopWorld(NAMES))
    return [simulator.frame(number, rate_hz=5.0) for number in range(3)]


@pytest.fixture(scope='module')
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp('library')
    write_catalogue(folder, NAMES)
    return folder


def depth_shot(frame, stamp, encoding):
    header = Header(frame_id='camera')
    header.stamp.sec = stamp
    return DepthShot(image=encode_depth(frame.points[..., 2], header, encoding=encoding),
                     info=camera_info(DepthCamera().pinhole, header))


def answers(rig, messages, library, cache, *parameters):
    """The poses by child frame, of each message."""
    with node(f'objects:={library}', f'cache_dir:={cache}', *parameters) as process:
        process.wait_for_output('references: mug, drill')
        rig.connect()
        return [{pose.child_frame_id: matrix_from_transform(pose.transform)
                 for pose in poses_of(rig, message)} for message in messages]


@pytest.mark.long
def test_depth_images_give_the_poses_of_the_clouds(observer, frames, library, tmp_path):
    clouds = [cloud(frame, number) for number, frame in enumerate(frames, start=1)]
    expected = answers(Rig(observer), clouds, library, tmp_path)
    assert set(expected[0]) == {'mug_0', 'drill_0'}
    for number, (encoding, (agreed_m, agreed_R)) in enumerate(AGREED.items(), start=1):
        shots = [depth_shot(frame, 10 * number + index, encoding)
                 for index, frame in enumerate(frames)]
        found = answers(DepthRig(observer), shots, library, tmp_path, 'input:=depth')
        for poses, others in zip(expected, found):
            assert set(poses) == set(others)
            for name, T in poses.items():
                np.testing.assert_allclose(others[name][:3, 3], T[:3, 3], rtol=0, atol=agreed_m)
                np.testing.assert_allclose(others[name][:3, :3], T[:3, :3], rtol=0,
                                           atol=agreed_R)
