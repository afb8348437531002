"""pose_estimator as a real process over DDS, with a stub pipeline: input, errors, services."""

import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TransformStamped
from harness import RosProcess, wait_repeating, wait_until
import numpy as np
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header, String
from std_srvs.srv import Trigger
from visualization_msgs.msg import Marker, MarkerArray

from pointpng_ros.inputs.cloud_topics import cloud_qos
from pointpng_ros.messages.cloud_message import encode_cloud

STUB = 'test/ros/stub_node.py'
TOPIC = '/camera/depth/points'
REPEAT_S = 5.0


def stub_node(*parameters, arguments=(), **environment):
    parameters = ('diagnostics_period_s:=0.1', *parameters)
    values = [item for parameter in parameters for item in ('-p', parameter)]
    return RosProcess(STUB, *arguments, '--ros-args', *values, **environment)


def cloud(*metres, stamp=1, frame='camera', jitter=0):
    """20 points for each metre of x given; the stamp is a number of seconds."""
    rng = np.random.default_rng(jitter)
    blocks = [rng.uniform((x + 0.1, 0.1, 1.1), (x + 0.9, 0.9, 1.9), (20, 3)) for x in metres]
    points = np.concatenate([*blocks, np.full((5, 3), np.nan)]).astype(np.float32)
    header = Header(frame_id=frame)
    header.stamp.sec, header.stamp.nanosec = stamp, 123456789
    return encode_cloud(points, header)


class Rig:
    """The observer's publisher of clouds and what the node answers."""

    def __init__(self, observer, *, reliability='reliable', topic=TOPIC):
        self.observer = observer
        self.publisher = observer.node.create_publisher(PointCloud2, topic, cloud_qos(reliability))
        self.poses = observer.collect(TransformStamped, '/pointpng/pose')
        self.labels = observer.collect(String, '/pointpng/label')
        self.markers = observer.collect(MarkerArray, '/pointpng/markers')
        self.diagnostics = observer.collect(DiagnosticArray, '/diagnostics')

    def connect(self):
        """Wait until the node hears us and we hear it: the diagnostics are subscribed last."""
        self.observer.wait_for_subscriber(self.publisher)
        wait_until(lambda: self.diagnostics, what='/diagnostics')

    def exchange(self, message):
        """Publish until the markers of this very cloud come back; returns them.

        Again after a while, for a node that has not noticed us yet ignores the cloud.
        """
        def answered():
            stamps = [array.markers[0].header.stamp for array in self.markers]
            return message.header.stamp in stamps

        wait_repeating(lambda: self.publisher.publish(message), answered, every_s=REPEAT_S,
                       what=f'markers of the cloud of second {message.header.stamp.sec}')
        return next(array for array in self.markers
                    if array.markers[0].header.stamp == message.header.stamp)

    def status(self, accept):
        """Return the first status that `accept`s."""
        def newest():
            states = [array.status[0] for array in self.diagnostics if array.status]
            return next((state for state in reversed(states) if accept(state)), None)

        return wait_until(newest, what='a matching /diagnostics')


def values_of(status):
    return {value.key: value.value for value in status.values}


@pytest.fixture
def rig(observer):
    return Rig(observer)


def poses_of(rig, message):
    """The poses of one cloud: they are published before its markers, on other topics."""
    count = sum(marker.ns == 'text' for marker in rig.exchange(message).markers)
    stamp = message.header.stamp
    wait_until(lambda: sum(p.header.stamp == stamp for p in rig.poses) == count, what='poses')
    wait_until(lambda: len(rig.labels) == len(rig.poses), what='labels')
    return [pose for pose in rig.poses if pose.header.stamp == stamp]


def test_a_cloud_becomes_poses_with_its_own_header(rig):
    with stub_node('cloud_reliability:=reliable') as node:
        rig.connect()
        message = cloud(0, 2, stamp=77)
        poses = poses_of(rig, message)
        assert [pose.child_frame_id for pose in poses] == ['object_0_0', 'object_2_0']
        assert all(pose.header == message.header for pose in poses)
        assert [label.data for label in rig.labels] == ['object_0', 'object_2']
        first = poses[0].transform
        points = np.frombuffer(message.data, np.float32).reshape(-1, 3)[:20]
        np.testing.assert_allclose(
            [first.translation.x, first.translation.y, first.translation.z], points.mean(axis=0),
            atol=1e-6)
        quat_xyzw = [first.rotation.x, first.rotation.y, first.rotation.z, first.rotation.w]
        np.testing.assert_allclose(quat_xyzw, [0, 0, 0.5**0.5, 0.5**0.5], atol=1e-9)
        assert 'references from the first cloud: object_0, object_2' in node.output


def test_every_cloud_gets_a_marker_array_that_starts_with_deleteall(rig):
    with stub_node('cloud_reliability:=reliable', 'marker_points:=7'):
        rig.connect()
        full, nothing = cloud(1, stamp=5), cloud(-3, stamp=6)
        markers = rig.exchange(full).markers
        assert [marker.ns for marker in markers] == ['', 'points', 'axes', 'text']
        assert [marker.action for marker in markers] == [Marker.DELETEALL] + [Marker.ADD] * 3
        assert all(marker.header == full.header for marker in markers)
        assert len(markers[1].points) == 7
        empty = rig.exchange(nothing).markers
        assert [(marker.action, marker.header) for marker in empty] == [
            (Marker.DELETEALL, nothing.header)]


def test_bad_clouds_and_a_failing_pipeline_do_not_stop_the_node(rig):
    with stub_node('cloud_reliability:=reliable') as node:
        rig.connect()
        rig.exchange(cloud(0, stamp=1))
        truncated = cloud(0, stamp=2)
        truncated.data = truncated.data[:100]
        for bad, words in [(truncated, 'truncated cloud'),
                           (PointCloud2(header=Header(frame_id='camera')), 'empty cloud'),
                           (cloud(frame='', stamp=3), 'empty frame_id'),
                           (cloud(stamp=4), 'are NaN or infinite')]:
            rig.publisher.publish(bad)
            status = rig.status(lambda state, words=words: words in state.message)
            assert status.level == DiagnosticStatus.ERROR
        assert 'cloud refused: truncated cloud' in node.output
        breaking = encode_cloud(np.full((9, 3), 66, np.float32), Header(frame_id='camera'))
        rig.publisher.publish(breaking)
        rig.status(lambda state: 'the pipeline broke' in state.message)
        node.wait_for_output('going on with the next', 'RuntimeError: the pipeline broke')
        assert len(poses_of(rig, cloud(0, stamp=9))) == 1
        values = values_of(rig.status(lambda state: values_of(state)['processed'] == '2'))
        assert (values['state'], values['refused'], values['failed']) == ('running', '4', '1')
        assert float(values['latency_p95_ms']) >= float(values['latency_p50_ms']) > 0
        assert (values['tracked_per_frame'], values['searched_per_frame']) == ('0.50', '0.50')
        assert {'stage_decode_ms', 'stage_search_ms', 'stage_publish_ms', 'rate_hz', 'dropped',
                'stamp_age_p50_ms', 'memory_mb'} <= set(values)
        assert float(values['non_finite_share']) == pytest.approx(5 / 25)


def test_the_newest_cloud_wins_while_the_pipeline_is_slow(rig):
    with stub_node('cloud_reliability:=reliable', arguments=('--slow', '0.3')):
        rig.connect()
        rig.exchange(cloud(0, stamp=1))
        for stamp in range(2, 30):
            rig.publisher.publish(cloud(0, stamp=stamp))
            time.sleep(0.02)        # all at once, DDS itself would keep only the newest
        rig.exchange(cloud(0, stamp=30))
        values = values_of(rig.status(lambda state: int(values_of(state)['dropped']) > 0))
        assert int(values['processed']) < int(values['received'])
        assert len(rig.markers) < 15


def test_services_take_new_references_and_reset(rig):
    with stub_node('cloud_reliability:=reliable'):
        rig.connect()
        answer = rig.observer.call(Trigger, '/pose_estimator/set_reference')
        assert (answer.success, 'no cloud received yet' in answer.message) == (False, True)
        assert len(poses_of(rig, cloud(0, stamp=1))) == 1
        assert len(poses_of(rig, cloud(0, 1, stamp=2))) == 1
        answer = rig.observer.call(Trigger, '/pose_estimator/set_reference')
        assert (answer.success, answer.message) == (True, 'references: object_0, object_1')
        assert len(poses_of(rig, cloud(0, 1, stamp=3))) == 2
        assert rig.observer.call(Trigger, '/pose_estimator/reset').success
        assert len(poses_of(rig, cloud(5, stamp=4))) == 1
        rig.exchange(cloud(-1, stamp=5))
        answer = rig.observer.call(Trigger, '/pose_estimator/set_reference')
        assert (answer.success, 'no object found' in answer.message) == (False, True)
        assert len(poses_of(rig, cloud(5, stamp=6))) == 1


def test_with_a_library_new_references_are_refused(rig):
    with stub_node('cloud_reliability:=reliable', 'objects:=/somewhere_1'):
        rig.connect()
        assert len(poses_of(rig, cloud(0, 1, stamp=1))) == 1
        answer = rig.observer.call(Trigger, '/pose_estimator/set_reference')
        assert (answer.success, 'object library' in answer.message) == (False, True)
        answer = rig.observer.call(Trigger, '/pose_estimator/reset')
        assert (answer.success, answer.message) == (True, 'tracks cleared, library kept: object_1')


def double(name, value):
    return Parameter(name=name, value=ParameterValue(type=ParameterType.PARAMETER_DOUBLE,
                                                     double_value=value))


def test_parameters_change_the_running_pipeline_or_are_refused(rig):
    with stub_node('cloud_reliability:=reliable'):
        rig.connect()
        assert len(poses_of(rig, cloud(0, stamp=1))) == 1

        def change(name, value):
            request = SetParameters.Request(parameters=[double(name, value)])
            return rig.observer.call(
                SetParameters, '/pose_estimator/set_parameters', request).results[0]

        assert change('pipeline.min_score', 0.9).successful
        assert len(poses_of(rig, cloud(0, stamp=2))) == 0
        assert not change('pipeline.min_score', 1.5).successful
        read_only = change('cloud_timeout_s', 3.0)
        assert 'read-only' in read_only.reason
        request = DescribeParameters.Request(names=['max_age_s'])
        described = rig.observer.call(DescribeParameters, '/pose_estimator/describe_parameters',
                                      request).descriptors[0]
        assert described.description.endswith('[s]')
        assert described.floating_point_range[0].to_value == 3600.0


def test_old_clouds_are_dropped_when_asked(rig):
    with stub_node('cloud_reliability:=reliable', 'max_age_s:=1'):
        rig.connect()
        rig.publisher.publish(cloud(0, stamp=1))
        rig.status(lambda state: 'more than max_age_s = 1.0 s' in state.message)
        fresh = cloud(0)
        fresh.header.stamp = rig.observer.node.get_clock().now().to_msg()
        rig.exchange(fresh)
