"""`input: depth` as a real process over DDS, with a stub pipeline: stamps, masks, refusals."""

from dataclasses import replace

from depth_rig import (
    CAMERA,
    IMAGE_TOPIC,
    INFO_TOPIC,
    DepthPublishers,
    DepthRig,
    header_of,
    shot,
)
from diagnostic_msgs.msg import DiagnosticStatus
from harness import wait_repeating, wait_until
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from test_node import poses_of, stub_node, values_of

from pointpng_core.errors import ConfigError
from pointpng_ros.inputs.depth_cameras import DepthTopics, depth_topics, is_rectified
from pointpng_ros.messages.depth_messages import camera_info
from pointpng_ros.parameters.node_config import NodeConfig
from pointpng_ros.processing.reference_publisher import LATCHED


def depth_node(*parameters):
    return stub_node('input:=depth', 'cloud_reliability:=reliable', *parameters)


def names(poses):
    return sorted(pose.child_frame_id for pose in poses)


@pytest.fixture
def rig(observer):
    return DepthRig(observer)


def test_depth_images_become_poses_with_their_own_header(rig):
    with depth_node() as node:
        node.wait_for_output(f'listening on {IMAGE_TOPIC}')
        rig.connect()
        message = shot(0, 2, stamp=77)
        poses = poses_of(rig, message)
        assert names(poses) == ['object_0_0', 'object_2_0']
        assert all(pose.header == message.header for pose in poses)
        first = poses[0].transform.translation
        np.testing.assert_allclose([first.x, first.y, first.z], [0.5, 0.5, 2.0], atol=1e-6)
        assert names(poses_of(rig, shot(0, 2, stamp=78, encoding='32FC1'))) == names(poses)
        swapped = shot(0, 2, stamp=79)
        swapped.image.is_bigendian = 1
        swapped.image.data = np.frombuffer(swapped.image.data, np.uint16).byteswap().tobytes()
        assert names(poses_of(rig, swapped)) == names(poses)
        values = values_of(rig.status(lambda state: values_of(state)['processed'] == '3'))
        assert (values['unmatched'], values['refused']) == ('0', '0')
        assert float(values['non_finite_share']) == pytest.approx(1 - 10 / 40)


def test_a_camera_info_that_was_latched_before_the_node_came_serves_all_images(observer):
    latched = observer.node.create_publisher(CameraInfo, INFO_TOPIC, LATCHED)
    latched.publish(camera_info(CAMERA, header_of(3)))
    rig = DepthRig(observer, info_topic='')
    with depth_node():
        rig.connect()
        for stamp in (10, 11, 12):
            assert names(poses_of(rig, shot(1, stamp=stamp))) == ['object_1_0']
        assert values_of(rig.status(bool))['unmatched'] == '0'


def test_an_image_without_camera_info_is_reported_until_one_comes(observer):
    rig = DepthRig(observer, info_topic='')
    other = observer.node.create_publisher(CameraInfo, '/elsewhere/camera_info', 1)
    with depth_node('cloud_timeout_s:=1') as node:
        rig.connect()
        status = wait_repeating(
            lambda: rig.publisher.publish(shot(1)),
            lambda: rig.status(lambda state: 'CameraInfo' in state.message), every_s=0.5,
            what='a complaint')
        assert status.level == DiagnosticStatus.ERROR
        assert status.message.endswith(f' depth images, no CameraInfo on {INFO_TOPIC}')
        node.wait_for_output(f'no CameraInfo on {INFO_TOPIC} for', 'nobody publishes',
                             '-p camera_info_topic:=/elsewhere/camera_info')
        observer.node.destroy_publisher(other)
        rig.publisher = DepthPublishers(observer.node)
        observer.wait_for_subscriber(rig.publisher)
        assert names(poses_of(rig, shot(1, stamp=5))) == ['object_1_0']
        rig.status(lambda state: state.message == 'running')


def test_only_what_the_mask_shows_is_used_and_an_empty_mask_shows_nothing(observer):
    rig = DepthRig(observer, mask_topic='/labels')
    with depth_node('mask_topic:=/labels', 'reference:=previous_frame'):
        rig.connect()
        everything = range(8)
        rig.exchange(shot(*everything, stamp=1, mask=everything))
        assert names(poses_of(rig, shot(*everything, stamp=2, mask=(2, 5)))) == [
            'object_2_0', 'object_5_0']
        assert poses_of(rig, shot(*everything, stamp=3, mask=())) == []


def test_images_whose_mask_has_another_stamp_are_not_used(observer):
    rig = DepthRig(observer, mask_topic='/labels')
    with depth_node('mask_topic:=/labels') as node:
        rig.connect()
        for stamp in range(100, 140):
            message = shot(1, stamp=stamp)
            message.mask = shot(1, stamp=50, mask=(1,)).mask
            rig.publisher.publish(message)
            wait_until(lambda stamp=stamp: int(values_of(rig.status(bool))['received']
                                               ) >= stamp - 99, what='reception')
        rig.status(lambda state: 'no mask on /labels within sync_tolerance_s' in state.message)
        assert node.running
        assert names(poses_of(rig, shot(1, stamp=200, mask=(1,)))) == ['object_1_0']


def other_size(message):
    message.info = camera_info(replace(CAMERA, width=41), message.header)
    return message


def uncalibrated(message):
    message.info = CameraInfo(header=message.header, width=40, height=6)
    return message


def coloured(message):
    message.image.encoding = 'rgb8'
    return message


def short(message):
    message.image.data = message.image.data[:100]
    return message


def test_what_cannot_be_used_is_refused_by_name_and_the_node_goes_on(rig):
    with depth_node() as node:
        rig.connect()
        assert names(poses_of(rig, shot(1, stamp=1))) == ['object_1_0']
        for stamp, (spoil, words) in enumerate([
                (uncalibrated, 'CameraInfo without focal lengths: k has fx = 0'),
                (other_size, 'the depth image has 40 x 6 pixels, but CameraInfo has 41 x 6'),
                (coloured, "depth image of encoding 'rgb8': expected 16UC1, mono16, 32FC1"),
                (short, 'data holds 100 bytes'),
                (lambda each: each, 'has an empty frame_id')], start=2):
            frame = '' if 'frame_id' in words else 'lens'
            rig.publisher.publish(spoil(shot(1, stamp=stamp, frame=frame)))
            status = rig.status(lambda state, words=words: words in state.message)
            assert status.level == DiagnosticStatus.ERROR
        node.wait_for_output('depth image refused: CameraInfo without focal lengths')
        assert names(poses_of(rig, shot(1, stamp=9))) == ['object_1_0']
        assert values_of(rig.status(bool))['refused'] == '5'


def test_a_node_that_waits_for_clouds_proposes_depth_images(observer):
    DepthPublishers(observer.node)
    with stub_node('cloud_timeout_s:=1') as node:
        node.wait_for_output(f'-p input:=depth -p depth_topic:={IMAGE_TOPIC}')


def test_two_depth_cameras_of_one_node(observer):
    left, right = (DepthPublishers(observer.node, f'/{side}/depth/image', f'/{side}/info')
                   for side in ('left', 'right'))
    rig = DepthRig(observer)
    with depth_node('depth_topic:=/left/depth/image,/right/depth/image',
                    'camera_info_topic:=/left/info,/right/info'):
        for stamp, (side, publisher) in enumerate([('left', left), ('right', right)], start=1):
            rig.publisher = publisher
            rig.connect()
            rig.exchange(shot(4, stamp=stamp))
            wait_until(lambda stamp=stamp: stamp in [pose.header.stamp.sec for pose in rig.poses],
                       what=f'the pose of {side}')
            assert rig.poses[-1].child_frame_id == f'{side}_object_4_0'


def test_topics_are_derived_and_counted():
    config = NodeConfig(input='depth', depth_topic='/a/image_rect, b/depth', mask_topic='/m,/n')
    assert depth_topics(config) == [
        DepthTopics(image='/a/image_rect', camera_info='/a/camera_info', mask='/m'),
        DepthTopics(image='b/depth', camera_info='b/camera_info', mask='/n')]
    for wrong, words in (
            ({'mask_topic': '/m'}, 'mask_topic = ./m. names 1 topics, depth_topic 2'),
            ({'camera_info_topic': 'a b,/c'}, 'camera_info_topic = .a b.'),
            ({'depth_topic': '/a,/a'}, 'names /a twice')):
        with pytest.raises(ConfigError, match=words):
            depth_topics(replace(config, **wrong))


@pytest.mark.parametrize(('choice', 'raw', 'rectified'), [
    ('auto', False, True), ('always', True, True), ('never', False, False)])
def test_the_name_or_the_parameter_says_whether_images_are_rectified(choice, raw, rectified):
    config = NodeConfig(depth_rectified=choice)
    assert is_rectified(config, '/camera/depth/image_raw') is raw
    assert is_rectified(config, '/camera/camera/depth/image_rect_raw') is rectified


def test_where_the_sensor_of_depth_images_is_need_not_be_said(domain):
    with depth_node('viewpoint:="0 0 1"') as node:
        assert node.wait(timeout_s=60) == 1
        assert "viewpoint = '0 0 1' is not used with input = 'depth'" in node.output
