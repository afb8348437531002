"""Where the sensor of clouds is: sensor_frame by tf, viewpoint as a position; and warnings."""

import sys
from types import ModuleType, SimpleNamespace

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import TransformStamped
import numpy as np
import pytest
from rclpy.clock import ROSClock
from std_msgs.msg import Header
from test_node import Rig, cloud, stub_node, values_of

from pointpng_core.errors import CloudError, ConfigError, MissingDependencyError
from pointpng_ros.inputs.cloud_reader import CloudReader
from pointpng_ros.messages.cloud_message import encode_cloud
from pointpng_ros.parameters.node_config import NodeConfig, RegionConfig

POINTS = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
CAMERA_HEIGHT_M = 1.5


class Buffer:
    """Knows lens <- base at second 100: the camera looks down from above the base."""

    def lookup_transform(self, target, source, stamp, timeout):
        assert timeout.nanoseconds == 0
        if (target, source, stamp.nanoseconds) != ('lens', 'base', 100 * 10**9):
            raise LookupError('extrapolation into the past')
        found = TransformStamped()
        found.transform.rotation.x, found.transform.rotation.w = 1.0, 0.0
        found.transform.translation.z = CAMERA_HEIGHT_M
        return found


@pytest.fixture
def _tf(monkeypatch):
    module = ModuleType('tf2_ros')
    module.Buffer, module.TransformException = Buffer, LookupError
    module.TransformListener = lambda buffer, node: None
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)


def reader_of(**values):
    return CloudReader(SimpleNamespace(get_clock=ROSClock), NodeConfig(**values), RegionConfig())


def message(frame='base', second=100):
    header = Header(frame_id=frame)
    header.stamp.sec = second
    return encode_cloud(POINTS, header)


@pytest.mark.usefixtures('_tf')
def test_tf_says_where_the_sensor_is_at_the_stamp_of_the_cloud():
    read = reader_of(sensor_frame='lens').read(message())
    np.testing.assert_allclose(read.T_cloud_sensor, [
        [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, CAMERA_HEIGHT_M], [0, 0, 0, 1]], atol=1e-12)
    np.testing.assert_array_equal(read.points, POINTS)
    np.testing.assert_allclose(read.sensor_points[:, 2], CAMERA_HEIGHT_M - POINTS[:, 2],
                               atol=1e-6)


@pytest.mark.usefixtures('_tf')
def test_clouds_in_the_sensors_own_frame_need_no_transform():
    assert reader_of(sensor_frame='lens').read(message(frame='lens')).T_cloud_sensor is None


@pytest.mark.usefixtures('_tf')
def test_without_a_transform_the_cloud_is_refused():
    with pytest.raises(CloudError, match=r'from .base. to sensor_frame .lens. at the stamp'):
        reader_of(sensor_frame='lens').read(message(second=99))


def test_without_tf2_ros_a_sensor_frame_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    with pytest.raises(MissingDependencyError, match='the parameter sensor_frame needs'):
        reader_of(sensor_frame='lens')


@pytest.mark.parametrize('text', ['1 -2 3.5', ' 1.0, -2, 3.5 ', '1,-2,3.5'])
def test_a_viewpoint_is_a_position_from_which_the_points_are_seen(text):
    read = reader_of(viewpoint=text).read(message())
    np.testing.assert_array_equal(read.T_cloud_sensor[:3, 3], [1, -2, 3.5])
    centroid = read.sensor_points.mean(axis=0)
    np.testing.assert_allclose(centroid[:2], 0, atol=1e-5)
    assert centroid[2] > 0


def test_by_default_the_sensor_is_at_the_origin():
    assert reader_of().read(message()).T_cloud_sensor is None


@pytest.mark.parametrize(('values', 'words'), [
    ({'viewpoint': '1 2'}, "viewpoint = '1 2': give three numbers 'x y z'"),
    ({'viewpoint': '1 2 nan'}, 'give three numbers'), ({'viewpoint': 'up'}, 'give three numbers'),
    ({'viewpoint': '0 0 1', 'sensor_frame': 'lens'}, 'leave one empty'),
    ({'sensor_frame': 'lens', 'input': 'depth'}, "sensor_frame = 'lens' is not used with input")])
def test_parameters_that_say_nothing_or_too_much_are_refused(values, words):
    with pytest.raises(ConfigError, match=words):
        reader_of(**values)


def test_warnings_about_a_frame_are_in_diagnostics_and_log(observer):
    rig = Rig(observer)
    with stub_node('cloud_reliability:=reliable') as node:
        rig.connect()
        rig.exchange(cloud(8, stamp=1))
        status = rig.status(lambda state: state.level == DiagnosticStatus.WARN
                            and 'several points' in state.message)
        assert status.message == values_of(status)['state'] == 'several points on a ray'
        node.wait_for_output('several points on a ray')
        rig.exchange(cloud(8, 3, stamp=2))
        assert node.output.count('several points on a ray') == 1      # throttled
        rig.exchange(cloud(3, stamp=3))
        rig.status(lambda state: state.message == 'running')
