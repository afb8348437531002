"""The end of docs/objects.md: a node with the library posing what the simulated camera shows."""

import shlex

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2 (pip install the extra [ros])')
from contextlib import ExitStack

from geometry_msgs.msg import TransformStamped
from harness import RosProcess, wait_until
from helpers.tutorial import commands

from pointpng_core.io import TriangleMesh, write_mesh
from pointpng_core.simulation.sample_recordings import MESH
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_ros import cli
from pointpng_ros.messages.pose_messages import matrix_from_transform


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """The library that the page has made when it comes to the node, without the recorded drill."""
    folder = tmp_path_factory.mktemp('tutorial')
    (folder / 'sample').mkdir()
    mug = make_object('mug').mesh
    write_mesh(folder / 'sample' / MESH,
               TriangleMesh(vertices=1000 * mug.vertices, faces=mug.faces))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv('POINTPNG_OBJECTS', raising=False)
        for command in commands('sh'):
            words = shlex.split(command)[1:]
            if words[:2] == ['objects', 'add']:
                assert cli.main(words) == 0
    return folder


def test_the_node_poses_the_mug_of_the_simulated_camera(folder, observer):
    poses = observer.collect(TransformStamped, '/pointpng/pose')
    truths = observer.collect(TransformStamped, '/pointpng/ground_truth')
    with ExitStack() as stack:
        for command in commands('sh ros'):
            words = shlex.split(command.rstrip('& '))[1:]
            words = [str(folder / 'objects') if word == 'objects' else word for word in words]
            stack.enter_context(RosProcess('-m', 'pointpng_ros.cli', *words))
        found, true = wait_until(lambda: pair(poses, truths), what='a pose of the mug',
                                 timeout_s=90)
    assert np.linalg.norm(found[:3, 3] - true[:3, 3]) < 0.01
    assert np.degrees(np.arccos((np.trace(found[:3, :3].T @ true[:3, :3]) - 1) / 2)) < 10


def pair(poses, truths):
    """The pose of the mug in a frame and the true one, (4, 4) each, if both are there."""
    true = {stamp(message): message for message in truths if message.child_frame_id == 'mug_0'}
    return next(((matrix_from_transform(message.transform),
                  matrix_from_transform(true[stamp(message)].transform)) for message in poses
                 if message.child_frame_id == 'mug_0' and stamp(message) in true), None)


def stamp(message):
    return message.header.stamp.sec, message.header.stamp.nanosec
