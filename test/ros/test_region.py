"""The region of interest in a frame of its own, and tf after time jumped back, with a fake."""

import sys
from types import ModuleType, SimpleNamespace

from geometry_msgs.msg import TransformStamped
import numpy as np
import pytest
from rclpy.clock import ROSClock
from std_msgs.msg import Header

from pointpng_core.errors import CloudError, ConfigError
from pointpng_ros.inputs.cloud_reader import CloudReader
from pointpng_ros.messages.cloud_message import encode_cloud
from pointpng_ros.parameters.node_config import NodeConfig, RegionConfig

POINTS = np.array([[0, 0, 1], [0.5, 0, 1], [0, 0.5, 1], [np.nan] * 3], np.float32)


class FakeBuffer:
    """Knows map <- camera, one metre along x, at seconds up to the newest that it was given."""

    def __init__(self):
        self.oldest_s, self.cleared = 100, 0

    def clear(self):
        self.oldest_s, self.cleared = 0, self.cleared + 1

    def lookup_transform(self, target, source, stamp, timeout):
        assert (target, source, timeout.nanoseconds) == ('map', 'camera', 0)
        if stamp.nanoseconds < self.oldest_s * 1e9:
            raise LookupError('extrapolation into the past')
        found = TransformStamped()
        found.transform.translation.x = 1.0
        return found


@pytest.fixture
def buffers(monkeypatch):
    made = []
    module = ModuleType('tf2_ros')
    module.Buffer = lambda: made.append(FakeBuffer()) or made[-1]
    module.TransformListener = lambda buffer, node: None
    module.TransformException = LookupError
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)
    return made


def reader_of(**region):
    node = SimpleNamespace(get_clock=ROSClock)
    return CloudReader(node, NodeConfig(), RegionConfig(enabled=True, **region))


def message(frame='camera', second=100):
    header = Header(frame_id=frame)
    header.stamp.sec = second
    return encode_cloud(POINTS, header, image_shape=(2, 2))


def kept(cloud):
    return np.isfinite(cloud.points[:, 0]).tolist()


def test_the_box_lies_in_its_own_frame_and_the_image_keeps_its_shape(buffers):
    cloud = reader_of(frame='map', min_x_m=0.9, max_x_m=1.1).read(message())
    assert (kept(cloud), cloud.image_shape) == ([True, False, True, False], (2, 2))
    np.testing.assert_array_equal(cloud.points[2], POINTS[2])     # still in the cloud's frame
    assert cloud.finite_share == 0.75
    own = reader_of(frame='camera', min_x_m=-0.1, max_x_m=0.1).read(message())
    assert kept(own) == [True, False, True, False]


def test_without_a_transform_the_cloud_is_refused(buffers):
    reader = reader_of(frame='map')
    with pytest.raises(CloudError, match=r'from .camera. to roi\.frame .map.'):
        reader.read(message(second=99))


def test_time_that_jumps_back_empties_the_buffer_once(buffers):
    reader = reader_of(frame='map', min_x_m=0.9, max_x_m=1.1)
    for second in (100, 101, 100, 5, 6):     # a bag that restarts; two cameras differ by a bit
        assert sum(kept(reader.read(message(second=second)))) == 2
    assert buffers[0].cleared == 1


def test_an_empty_box_is_refused():
    with pytest.raises(ConfigError, match=r'roi\.min_y_m = 2\.0 m is not below'):
        RegionConfig(min_y_m=2.0)


def test_a_switched_off_region_needs_no_tf():
    node = SimpleNamespace(get_clock=ROSClock)
    cloud = CloudReader(node, NodeConfig(), RegionConfig(frame='map')).read(message())
    assert sum(kept(cloud)) == 3
