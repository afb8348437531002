"""pose_estimator as a real process: signals, vanishing cameras, QoS, refused parameters."""

from contextlib import closing
import signal
from types import SimpleNamespace

from harness import Observer, RosProcess, wait_until
import pytest
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import PointCloud2
from test_node import STUB, TOPIC, Rig, cloud, stub_node, values_of
from test_node_control import parameter

from pointpng_ros.inputs.cloud_topics import CLOUD_TYPE, cloud_qos, published_topics


@pytest.mark.parametrize('signals', [
    [signal.SIGINT], [signal.SIGINT, signal.SIGINT], [signal.SIGTERM],
    [signal.SIGINT, signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]])
def test_signals_end_the_node_cleanly_while_it_works(observer, signals):
    rig = Rig(observer)
    with stub_node('cloud_reliability:=reliable', arguments=('--slow', '0.2')) as node:
        rig.connect()
        rig.exchange(cloud(0, stamp=1))
        rig.publisher.publish(cloud(0, stamp=2))
        for number in signals:
            node.send(number)
        assert node.wait() == 0, node.output
        assert 'Traceback' not in node.output


def test_ctrl_c_while_the_worker_is_busy_for_longer_than_anyone_waits(observer):
    rig = Rig(observer)
    with stub_node('cloud_reliability:=reliable', arguments=('--slow', '60')) as node:
        rig.connect()
        rig.publisher.publish(cloud(0, stamp=1))
        rig.status(lambda state: values_of(state)['received'] == '1')
        node.send(signal.SIGINT)
        assert node.wait() == 0
        assert 'Traceback' not in node.output


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_another_library_is_loaded(observer, number):
    with stub_node('objects:=folder_1') as node:
        node.wait_for_output('listening on')
        client = observer.node.create_client(SetParameters, '/pose_estimator/set_parameters')
        wait_until(client.service_is_ready, what='set_parameters')
        client.call_async(SetParameters.Request(parameters=[parameter('objects', 'late_2')]))
        node.wait_for_output('loading late_2')
        node.send(number)
        assert node.wait() == 0, node.output
        assert 'Traceback' not in node.output


def test_a_camera_that_vanishes_and_returns(observer):
    rig = Rig(observer, topic='/unused')
    with stub_node('cloud_reliability:=reliable', 'cloud_timeout_s:=0.5') as node:
        for stamp in (1, 2):
            with closing(Observer('camera')) as camera:
                rig.publisher = camera.node.create_publisher(PointCloud2, TOPIC,
                                                             cloud_qos('reliable'))
                rig.connect()
                rig.exchange(cloud(0, stamp=stamp))
            wait_until(lambda stamp=stamp: node.output.count(
                f'no clouds on {TOPIC} any more: the bag is over') == stamp, what='the end')
        node.wait_for_output(f'clouds on {TOPIC} after')
        assert 'nobody publishes' not in node.output.partition('any more')[2]


def test_a_node_is_never_advised_to_listen_to_itself_or_to_another_pose_estimator(observer):
    own = RosProcess(STUB, '--ros-args', '-p', 'cloud_timeout_s:=0.5',
                     '-r', 'pointpng/segments:=/cut')
    with RosProcess(STUB, '--ros-args', '-r', '__node:=other') as other, own:
        other.wait_for_output('listening on')
        for topic in ('/pointpng/segments', '/cut'):
            observer.wait_for_publisher(topic)
        own.wait_for_output('No PointCloud2 topic is published now')
        assert 'topics published now' not in own.output


def test_topics_to_listen_to_are_those_of_others():
    topics = {'/pointpng/segments': CLOUD_TYPE, '/left/pointpng/segments': CLOUD_TYPE,
              '/cut': CLOUD_TYPE, '/camera/points': CLOUD_TYPE, '/image': 'sensor_msgs/msg/Image',
              '/only/subscribed': CLOUD_TYPE}
    node = SimpleNamespace(
        publishers=[SimpleNamespace(topic_name='/cut')],
        get_topic_names_and_types=lambda: [(name, [kind]) for name, kind in topics.items()],
        count_publishers=lambda name: name != '/only/subscribed')
    assert published_topics(node, CLOUD_TYPE) == ['/camera/points']


def test_a_qos_mismatch_is_explained_with_the_fix(observer):
    Rig(observer, reliability='best_effort')
    with stub_node('cloud_reliability:=reliable') as node:
        node.wait_for_output('incompatible RELIABILITY', '-p cloud_reliability:=best_effort',
                             '/observer (sensor_msgs/msg/PointCloud2, best_effort)')


def test_a_silent_topic_is_explained_with_the_topics_there_are(observer):
    Rig(observer, topic='/other/points')
    with stub_node('cloud_timeout_s:=0.5') as node:
        node.wait_for_output(f'nobody publishes {TOPIC}', 'published now: /other/points',
                             '-p cloud_topic:=/other/points')


@pytest.mark.parametrize(('parameter', 'words'), [
    ('cloud_reliability:=often', 'choose one of best_effort, reliable'),
    ('threads:=many', 'parameter threads refused'),
    ('threads:=-1', 'Min: 0'),
    ('max_age_s:=-2.0', 'Min: 0'),
    ('max_age_s:=soon', 'max_age_s'),
    ('cloud_topic:=a b', 'is no topic name'),
    ('objects:=[]', 'objects'),
    ('publish_tf:=true', 'sudo apt install ros-jazzy-tf2-ros-py'),
    ('publish_detections:=true', 'sudo apt install ros-jazzy-vision-msgs'),
    ('target_frame:=map', 'the parameter target_frame needs the ROS package tf2_ros'),
    ('x:=[1,', 'ROS arguments refused'),
])
def test_refused_parameters_end_with_a_message_and_code_1(domain, parameter, words):
    with stub_node(parameter) as node:
        assert node.wait() == 1
        assert words in node.output
        assert 'Traceback' not in node.output


def test_a_misspelt_parameter_is_named_with_its_nearest(domain):
    with stub_node('cloud_topc:=/points') as node:
        node.wait_for_output("did you mean 'cloud_topic'?", 'listening on')


@pytest.mark.parametrize('moments', [
    ['rclpy.init:SIGINT'],
    ['pointpng_ros.health.lifetime.MultiThreadedExecutor:SIGINT'],
    ['pointpng_ros.health.lifetime.MultiThreadedExecutor:SIGTERM'],
    ['stub_node.StubFactory.library:SIGINT'],
    ['rclpy.executors.MultiThreadedExecutor.add_node:SIGINT'],
    ['rclpy.executors.MultiThreadedExecutor.add_node:SIGTERM',
     'stub_node.PoseEstimatorNode.destroy_node:SIGINT', 'rclpy.try_shutdown:SIGINT'],
    ['stub_node.StubFactory.library:SIGINT', 'rclpy.try_shutdown:SIGTERM',
     'threading.enumerate:SIGTERM'],
])
def test_signals_at_awkward_moments_leave_no_traceback(domain, moments):
    with RosProcess('test/ros/signalled_node.py', *moments) as node:
        assert node.wait() == 0, node.output
        assert 'Traceback' not in node.output
        assert all(f'signal before {moment.partition(":")[0]}' in node.output
                   for moment in moments)
