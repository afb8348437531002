"""Encoded clouds against the decoder, and both against sensor_msgs_py where it is installed."""

import numpy as np
import pytest
from std_msgs.msg import Header

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_ros.messages.cloud_message import encode_cloud


def random_points(count=12, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


def ros_header():
    header = Header(frame_id='camera')
    header.stamp.sec = 7
    return header


@pytest.mark.parametrize('image_shape', [None, (3, 4)])
def test_encoded_clouds_decode_to_the_same_points(image_shape):
    points = random_points()
    points[3] = np.nan
    message = encode_cloud(points, ros_header(), image_shape=image_shape)
    cloud = decode_cloud(message)
    np.testing.assert_array_equal(cloud.points, points)
    assert cloud.image_shape == image_shape
    assert not message.is_dense
    assert (message.header.frame_id, message.header.stamp.sec) == ('camera', 7)


def test_an_empty_cloud_can_be_encoded():
    assert encode_cloud(np.zeros((0, 3), np.float32), ros_header()).width == 0


def test_encoding_refuses_a_wrong_shape():
    header = ros_header()
    with pytest.raises(CloudError, match='3 x 5'):
        encode_cloud(random_points(), header, image_shape=(3, 5))


def test_against_sensor_msgs_py():
    reference = pytest.importorskip('sensor_msgs_py.point_cloud2',
                                    reason='sensor_msgs_py comes with a full ROS 2 only')
    points = random_points()
    message = encode_cloud(points, ros_header())
    np.testing.assert_array_equal(reference.read_points_numpy(message, ['x', 'y', 'z']), points)
    theirs = reference.create_cloud_xyz32(ros_header(), points)
    np.testing.assert_array_equal(decode_cloud(theirs).points, points)
