"""Depth images from `pointpng sim` and `pointpng play`: beside the clouds, with CameraInfo."""

from harness import RosProcess, wait_until
from helpers.bags import TOPIC, write_bag
from helpers.depth_bags import FOCAL_PX, IMAGE, INFO, depth_mm, write_depth_bag
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.io.bags.camera_info import decode_camera
from pointpng_core.io.bags.depth_cloud import decode_depth_cloud
from pointpng_core.io.bags.image_message import decode_depth
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CloudBag
from pointpng_ros.inputs.cloud_topics import cloud_qos
from pointpng_ros.inputs.recorded_topics import recorded_topics
from pointpng_ros.messages.depth_messages import camera_info, encode_depth

SIM = ('-m', 'pointpng_ros.nodes.sim_camera', '--ros-args', '-p', 'objects:=mug', '-p',
       'camera.width:=64', '-p', 'camera.height:=48', '-p', 'camera.fx:=52.5', '-p',
       'camera.fy:=52.5', '-p', 'camera.cx:=31.5', '-p', 'camera.cy:=23.5')
PLAYER = ('-m', 'pointpng_ros.nodes.bag_player')
ROUNDING_M = {'32FC1': 0.0, '16UC1': 0.0005}


@pytest.mark.parametrize('encoding', ROUNDING_M)
def test_the_simulated_depth_is_that_of_the_cloud(observer, encoding):
    clouds = observer.collect(PointCloud2, '/camera/depth/points')
    images = observer.collect(Image, IMAGE)
    infos = observer.collect(CameraInfo, INFO)

    def together():
        by_stamp = [{str(message.header): message for message in kind}
                    for kind in (clouds, images, infos)]
        return next(([kind[header] for kind in by_stamp] for header in by_stamp[0]
                     if all(header in kind for kind in by_stamp)), None)

    with RosProcess(*SIM, '-p', f'publish_depth:={encoding}'):
        cloud, image, info = wait_until(together, what='cloud, image and CameraInfo of one header',
                                        timeout_s=60)
    assert image.encoding == encoding
    points, from_depth = decode_cloud(cloud), decode_depth_cloud(image, info, rectified=False)
    assert from_depth.image_shape == points.image_shape == (48, 64)
    np.testing.assert_array_equal(np.isnan(from_depth.points), np.isnan(points.points))
    np.testing.assert_allclose(from_depth.points, points.points,
                               atol=1.001 * ROUNDING_M[encoding], rtol=0)


@pytest.mark.parametrize('kind', ['mcap', 'bag'])
def test_recorded_depth_is_played_with_its_camera_info(tmp_path, observer, kind):
    path = write_depth_bag(tmp_path, kind)
    images = observer.collect(Image, '/played/image_rect', cloud_qos('reliable', depth=50))
    infos = observer.collect(CameraInfo, '/played/camera_info', cloud_qos('reliable', depth=50))
    words = (str(path), '--topic', IMAGE, '--as', '/played/image_rect', '--wait', '20')
    with RosProcess(*PLAYER, *words) as player:
        assert player.wait() == 0, player.output
        assert f'playing 10 depth images of {IMAGE} on /played/image_rect' in player.output
        assert 'played 10 depth images' in player.output
    wait_until(lambda: len(images) == len(infos) == 10, what='10 images with CameraInfo')
    for index, (image, info) in enumerate(zip(images, infos)):
        assert image.header == info.header
        assert (image.header.stamp.sec, image.header.frame_id) == (index, 'lens')
        np.testing.assert_allclose(decode_depth(image), depth_mm(index) / 1000, rtol=1e-6)
        assert decode_camera(info, rectified=True).fx == FOCAL_PX + index


def topics_of(path, *asked, **options):
    with CloudBag(path) as bag:
        return [(topic.name, topic.published, topic.noun)
                for topic in recorded_topics(bag, asked, **options)]


def test_what_is_played_by_default(tmp_path):
    clouds, _ = write_bag(tmp_path, 'mcap')
    assert topics_of(clouds) == [(TOPIC, TOPIC, 'cloud')]
    depth = write_depth_bag(tmp_path)
    assert topics_of(depth) == [(IMAGE, IMAGE, 'depth image'), (INFO, INFO, '')]
    assert topics_of(depth, IMAGE, publish_as='/a/b', camera_info=INFO) == [
        (IMAGE, '/a/b', 'depth image'), (INFO, '/a/camera_info', '')]


@pytest.mark.parametrize(('asked', 'options', 'words'), [
    (['/x'], {}, 'no PointCloud2 topic'),
    ([IMAGE], {'camera_info': '/x'}, f"no CameraInfo topic '/x'; it has: {INFO}"),
    ([IMAGE, '/x'], {'publish_as': '/a'}, '--as /a is one name for 2 topics'),
    (['/x'], {'camera_info': INFO}, 'belongs to one Image topic, but 0')])
def test_topics_that_cannot_be_played_are_refused(tmp_path, asked, options, words):
    with pytest.raises(ConfigError, match=words):
        topics_of(write_depth_bag(tmp_path), *asked, **options)


def test_a_bag_without_depth_images_says_so(tmp_path):
    path, _ = write_bag(tmp_path, 'mcap')
    with pytest.raises(ConfigError, match=r'has 0 depth image topics.*its Image topics: none'):
        topics_of(path, depth=True)


def test_depth_beyond_16_bits_is_no_reading():
    depth_m = np.array([[0.0004, 0.0006, 65.535, 65.6, np.nan, np.inf]])
    image = encode_depth(depth_m, Header(), encoding='16UC1')
    assert np.frombuffer(image.data, np.uint16).tolist() == [0, 1, 65535, 0, 0, 0]
    with pytest.raises(CloudError, match='32FC1 or 16UC1'):
        encode_depth(depth_m, Header(), encoding='64FC1')


@pytest.mark.parametrize('distortion', [(), (0.1, 0.2, 0.01, 0.02), (0.1,) * 5, (0.1,) * 8])
def test_camera_info_and_back(distortion):
    camera = PinholeCamera(width=64, height=48, fx=50.0, fy=51.0, cx=31.0, cy=23.0,
                           distortion=distortion)
    assert decode_camera(camera_info(camera, Header()), rectified=False) == camera
