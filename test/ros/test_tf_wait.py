"""tf that lags behind the clouds: what comes during the work or soon after it is waited for."""

import sys
from types import ModuleType, SimpleNamespace

from geometry_msgs.msg import TransformStamped
import pytest
from rclpy.clock import ROSClock
from std_srvs.srv import SetBool
from stub_node import StubPipeline, reference
from test_node import Rig, cloud, stub_node

from pointpng_core.errors import CloudError
from pointpng_ros.inputs.cameras import Arrival, Camera
from pointpng_ros.inputs.cloud_reader import CloudReader
from pointpng_ros.inputs.cloud_topics import CLOUDS
from pointpng_ros.messages import tf_frames
from pointpng_ros.parameters.node_config import LIBRARY, PREVIOUS_FRAME, NodeConfig, RegionConfig
from pointpng_ros.processing.cloud_processor import CloudProcessor
from pointpng_ros.processing.session import PoseSession, Setting

SHIFT_M = 10.0
FAKES = 'test/ros/fakes'


class World:
    """A tf buffer, and a clock that only `sleep` moves; `due_s` is when the transform comes."""

    def __init__(self, monkeypatch):
        self.now_s, self.due_s, self.asked, self.known = 0.0, float('inf'), [], False
        module = ModuleType('tf2_ros')
        module.Buffer, module.TransformException = lambda: self, LookupError
        module.TransformListener = lambda buffer, node: None
        monkeypatch.setitem(sys.modules, 'tf2_ros', module)
        monkeypatch.setattr(tf_frames, 'time', self)

    def monotonic(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds

    def lookup_transform(self, target, source, stamp, timeout):
        self.asked.append((stamp.nanoseconds, timeout.nanoseconds))
        if not self.known and self.now_s < self.due_s:
            raise LookupError('extrapolation into the future')
        found = TransformStamped()
        found.transform.rotation.w, found.transform.translation.x = 1.0, SHIFT_M
        return found


class Pipeline(StubPipeline):
    """Calls `during` in the middle of the work."""

    during = staticmethod(lambda: None)

    def process(self, cloud, stamp_s=None):
        self.during()
        return super().process(cloud, stamp_s)


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def processor_of(*, mode=LIBRARY, during=lambda: None, region=None, **values):
    pipeline = type('Pipeline', (Pipeline,), {'during': staticmethod(during)})
    config = NodeConfig(**values)
    session = PoseSession(Setting.of(pipeline, [reference('object_1')], mode))
    node = SimpleNamespace(get_clock=ROSClock)
    published = []
    publisher = SimpleNamespace(wanted=True, publish=lambda objects, header, **_: published.append(
        (header, objects)))
    camera = Camera(name='', topic='/points', watch=SimpleNamespace(kind=CLOUDS))
    lookup = tf_frames.FrameLookup(node, config.target_frame) if config.target_frame else None
    processor = CloudProcessor(
        cameras=[camera], session=session,
        reader=CloudReader(node, config, region or RegionConfig()), publisher=publisher,
        lookup=lookup, report=print, warn=print, publish_references=lambda: None)
    return processor, published, session, camera


def arrival(*metres):
    return Arrival(message=cloud(*metres, stamp=7), received_s=0.0, slot=0)


def x_of(published):
    (header, objects), = published
    assert (header.frame_id, header.stamp.sec) == ('map', 7)
    return [posed.position_m[0] for posed in objects]


def test_a_transform_that_comes_during_the_work_costs_no_wait(world):
    processor, published, _, _ = processor_of(
        target_frame='map', during=lambda: setattr(world, 'known', True))
    processor.handle(arrival(1))
    assert SHIFT_M + 1 < x_of(published)[0] < SHIFT_M + 2
    assert world.now_s == 0.0
    assert set(world.asked) == {(7_123_456_789, 0)}     # no other stamp, and tf never waits itself


@pytest.mark.parametrize('lag_s', [0.02, 0.09])
def test_a_transform_that_comes_after_the_work_is_waited_for(world, lag_s):
    world.due_s = lag_s
    processor, published, _, camera = processor_of(target_frame='map')
    processor.handle(arrival(1))
    assert len(x_of(published)) == 1
    assert lag_s <= world.now_s < lag_s + 2 * tf_frames.POLL_S
    assert 'tf' in camera.statistics.summary().stage_ms
    assert set(world.asked) == {(7_123_456_789, 0)}


@pytest.mark.parametrize('timeout_s', [0.0, 0.1, 0.5])
def test_a_transform_that_never_comes_costs_the_timeout_and_the_cloud(world, timeout_s):
    processor, published, _, _ = processor_of(target_frame='map', tf_timeout_s=timeout_s)
    with pytest.raises(CloudError, match='at the stamp of the cloud: extrapolation'):
        processor.handle(arrival(1))
    assert (published, world.now_s) == ([], pytest.approx(timeout_s, abs=2 * tf_frames.POLL_S))


def test_a_transform_known_before_the_work_is_kept_however_long_it_takes(world):
    world.known = True
    processor, published, _, _ = processor_of(
        target_frame='map', during=lambda: setattr(world, 'known', False))    # tf keeps 10 s
    processor.handle(arrival(1))
    assert len(x_of(published)) == 1


def test_a_cloud_whose_poses_are_not_published_is_still_the_one_before_the_next(world):
    processor, _, session, _ = processor_of(target_frame='map', mode=PREVIOUS_FRAME)
    with pytest.raises(CloudError):
        processor.handle(arrival(5))
    assert session.reference_names == ['object_5']


@pytest.mark.parametrize('options', [
    {'sensor_frame': 'lens'}, {'region': RegionConfig(enabled=True, frame='map', max_x_m=50.0)}])
def test_where_the_work_needs_the_transform_the_worker_waits_before_and_the_service_never(
        world, options):
    processor, published, _, camera = processor_of(**options)
    world.due_s = 0.05
    message = arrival(1)
    camera.newest = message.message
    with pytest.raises(CloudError, match='at the stamp of the cloud'):
        processor.set_reference()        # in the executor
    assert world.now_s == 0.0
    processor.handle(message)
    assert len(published) == 1
    assert world.now_s >= 0.05


def test_the_executor_goes_on_while_a_cloud_waits_for_tf(observer):
    tf = observer.node.create_publisher(TransformStamped, '/tf_of_test', 10)
    rig = Rig(observer)
    parameters = ('cloud_reliability:=reliable', 'objects:=folder_1', 'target_frame:=map',
                  'tf_timeout_s:=10.0')
    with stub_node(*parameters, PYTHONPATH=FAKES) as node:
        rig.connect()
        observer.wait_for_subscriber(tf)
        rig.publisher.publish(cloud(1, stamp=3))
        answer = observer.call(SetBool, '/pose_estimator/enable', SetBool.Request(data=True))
        assert answer.success
        assert not rig.poses
        message = TransformStamped(child_frame_id='camera')
        message.header.frame_id, message.transform.rotation.w = 'map', 1.0
        message.transform.translation.x = SHIFT_M
        message.header.stamp = cloud(1, stamp=3).header.stamp
        tf.publish(message)
        node.wait_for_output('tf at 3 s')
        rig.exchange(cloud(1, stamp=3))
        assert SHIFT_M + 1 < rig.poses[0].transform.translation.x < SHIFT_M + 2
