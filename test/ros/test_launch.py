"""The launch files with the real launch and launch_ros, which start real nodes over DDS.

They come with a full ROS 2, not from PyPI; test/core/test_launch_files.py needs neither.
"""

import os
import signal
import sys

from geometry_msgs.msg import TransformStamped
from harness import REPOSITORY, RosProcess, wait_until
from helpers import bags
import pytest
from rcl_interfaces.srv import GetParameters
from sensor_msgs.msg import PointCloud2
from test_node import cloud

from pointpng_ros.inputs.cloud_topics import cloud_qos

pytest.importorskip('launch.actions', reason='needs launch, of a full ROS 2')
pytest.importorskip('launch_ros.actions', reason='needs launch_ros, of a full ROS 2')
STUB = REPOSITORY / 'test' / 'ros' / 'stub_node.py'


@pytest.fixture
def prefix(tmp_path):
    """The package as installed, with the stub in the place of the node."""
    share, lib = tmp_path / 'share' / 'pointpng_ros', tmp_path / 'lib' / 'pointpng_ros'
    index = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages'
    for folder in (share, lib, index):
        folder.mkdir(parents=True)
    (index / 'pointpng_ros').touch()
    for name in ('config', 'launch'):
        (share / name).symlink_to(REPOSITORY / name)
    for name, words in {'pose_estimator': str(STUB),
                        'play': '-m pointpng_ros.nodes.bag_player'}.items():
        (lib / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (lib / name).chmod(0o755)
    return tmp_path


def launched(prefix, name, *words):
    path = os.pathsep.join(filter(None, [str(prefix), os.environ.get('AMENT_PREFIX_PATH', '')]))
    return RosProcess('test/ros/launched.py', str(REPOSITORY / 'launch' / f'{name}.launch.py'),
                      *words, AMENT_PREFIX_PATH=path, ROS_LOG_DIR=str(prefix / 'log'))


def test_each_of_two_cameras_has_its_own_outputs(prefix, observer):
    poses = {name: observer.collect(TransformStamped, f'/{name}/pointpng/pose')
             for name in ('left', 'camera_2')}
    clouds = observer.node.create_publisher(PointCloud2, '/l', cloud_qos('reliable'))
    with launched(prefix, 'two_cameras', 'camera_1:=left', 'cloud_topic_1:=/l',
                  'reference:=first_look') as launch:
        launch.wait_for_output('listening on /l', 'listening on /camera_2/depth/points')

        def posed():
            clouds.publish(cloud(0))
            return poses['left']

        wait_until(posed, what='a pose of the left camera')
        assert poses['left'][0].header.frame_id == 'camera'
        assert not poses['camera_2']
        launch.send(signal.SIGINT)
        assert launch.wait() == 0
    assert launch.output.count('process has finished cleanly') == 2


def test_a_killed_node_is_started_again(prefix, domain):
    with launched(prefix, 'pose_estimator', 'respawn:=true', 'respawn_delay:=0.1') as launch:
        launch.wait_for_output('listening on')
        pid = int(launch.output.split('started with pid [')[1].split(']')[0])
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: launch.output.count('listening on') == 2, what='a second start')
        launch.send(signal.SIGINT)
        launch.wait()
    assert 'exit code -9' in launch.output


def test_texts_that_look_like_numbers_stay_texts(prefix, observer):
    with launched(prefix, 'pose_estimator', 'model:=7', 'namespace:=robot') as launch:
        launch.wait_for_output('listening on')
        answer = observer.call(GetParameters, '/robot/pose_estimator/get_parameters',
                               GetParameters.Request(names=['model']))
        assert answer.values[0].string_value == '7'
        launch.send(signal.SIGINT)
        assert launch.wait() == 0


def test_a_bag_is_played_to_the_node(prefix, tmp_path, observer):
    bag, _ = bags.write_bag(tmp_path, 'mcap', count=3)
    clouds = observer.collect(PointCloud2, '/mine')
    with launched(prefix, 'pose_estimator', f'bag:={bag}', 'cloud_topic:=/mine') as launch:
        launch.wait_for_output('played 3 clouds')
        wait_until(lambda: len(clouds) == 3, what='the clouds')
        launch.send(signal.SIGINT)
        assert launch.wait() == 0


@pytest.mark.parametrize(('name', 'word'), [('pose_estimator', 'rviz:=maybe'),
                                            ('two_cameras', 'camera_1:=camera_2')])
def test_bad_values_end_the_launch_with_a_reason(prefix, domain, name, word):
    with launched(prefix, name, word) as launch:
        assert launch.wait() == 1
    assert word in launch.output
    assert 'process started' not in launch.output
