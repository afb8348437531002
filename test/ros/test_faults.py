"""Faults under a real process with a stub pipeline: no pose without its cloud, and it goes on.

What fails or floods in other ways is in test_node.py, test_node_life.py, test_node_control.py.
"""

from contextlib import contextmanager
from itertools import count, cycle, islice
import signal
import time

from geometry_msgs.msg import TransformStamped
from harness import RosProcess, wait_repeating, wait_until
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from test_node import TOPIC, Rig, cloud, stub_node, values_of

from pointpng_ros.messages.cloud_message import encode_cloud

FAKES = 'test/ros/fakes'
PARAMETERS = ('cloud_reliability:=reliable', 'objects:=folder_1')


class Ledger(Rig):
    """Records which good clouds were sent, and checks every pose against them."""

    def __init__(self, observer):
        super().__init__(observer)
        self.good = set()

    def send(self, message):
        """Publish a good cloud."""
        self.good.add(origin(message))
        self.publisher.publish(message)

    def answer(self, message, frame=None):
        """Send a good cloud again and again until a pose of it comes that was not there before."""
        wanted = (*origin(message)[:2], frame or message.header.frame_id)
        before = self.origins().count(wanted)
        self.good.add(wanted)
        wait_repeating(lambda: self.send(message), lambda: self.origins().count(wanted) > before,
                       every_s=0.5, what=f'a pose of {wanted}')
        self.check()

    def origins(self):
        return [origin(pose) for pose in list(self.poses)]

    def check(self):
        assert set(self.origins()) <= self.good
        assert {pose.child_frame_id for pose in self.poses} <= {'object_1_0'}


def origin(message):
    """What a pose has of its cloud."""
    stamp = message.header.stamp
    return stamp.sec, stamp.nanosec, message.header.frame_id


@pytest.fixture
def ledger(observer):
    return Ledger(observer)


def malformed():
    """Yield malformed clouds of every kind, for ever; none has a usable point."""
    def spoilt(**changes):
        message = cloud(1)
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    whole = cloud(1)
    return cycle([
        spoilt(data=whole.data[:100]), spoilt(fields=whole.fields[:2]), spoilt(width=0),
        spoilt(point_step=4), spoilt(row_step=1), spoilt(height=2**31), spoilt(data=b''),
        spoilt(header=Header()), PointCloud2(header=Header(frame_id='camera')), cloud()])


def test_a_flood_of_malformed_clouds_is_refused_and_good_ones_go_through(ledger):
    """100 clouds a second, until 100 of them got through: a newer one replaces what waits."""
    stamps, bad, started_s = count(2), malformed(), time.monotonic()

    def flood():
        for stamp in islice(stamps, 10):
            message = next(bad)
            message.header.stamp.sec = 1000 + stamp
            ledger.publisher.publish(message)
            time.sleep(0.01)
        ledger.send(cloud(1, stamp=stamp))
        time.sleep(0.05)                # or the next one replaces it before it is processed

    with stub_node(*PARAMETERS) as node:
        ledger.connect()
        ledger.answer(cloud(1, stamp=1))
        wait_repeating(flood, lambda: newest(ledger, 'refused') > 100, every_s=0.0,
                       what='100 refused clouds')
        assert len(ledger.poses) > 1    # while it went on
        ledger.answer(cloud(1, stamp=999))
        assert newest(ledger, 'failed') == 0
        # Once in five seconds.
        assert 1 <= node.output.count('cloud refused') <= 2 + (time.monotonic() - started_s) / 5


def newest(ledger, figure):
    return int(values_of(ledger.diagnostics[-1].status[0])[figure])


@pytest.mark.parametrize('seed', [0, 1])
def test_whatever_comes_in_whatever_order_poses_belong_to_good_clouds(ledger, seed):
    rng, bad = np.random.default_rng(seed), malformed()

    def anything(node):
        """A good cloud of any time and frame, a bad one, one that fails, or a halt of the node."""
        stamp, frame = int(rng.integers(1, 1000)), str(rng.choice(['camera', 'other']))
        sample = rng.random()
        if sample < 0.5:
            ledger.send(cloud(1, 3, stamp=stamp, frame=frame))
        elif sample < 0.9:
            ledger.publisher.publish(next(bad))
        elif sample < 0.97:
            header = Header(frame_id=frame)
            header.stamp.sec = stamp
            ledger.publisher.publish(encode_cloud(np.full((9, 3), 66, np.float32), header))
        else:
            node.send(signal.SIGSTOP)
            time.sleep(0.1)
            node.send(signal.SIGCONT)

    with stub_node(*PARAMETERS, arguments=('--slow', '0.02')) as node:
        ledger.connect()
        for _ in range(150):
            anything(node)
            time.sleep(0.01)
        ledger.answer(cloud(1, stamp=5000))
        ledger.status(lambda state: state.message == 'running' and all(
            int(values_of(state)[key]) for key in ('processed', 'refused', 'failed')))


def test_time_that_jumps_back_and_a_frame_that_changes(ledger):
    clock = ledger.observer.node.create_publisher(Clock, '/clock', 10)

    def at(second):
        moment = Clock()
        moment.clock.sec = second
        clock.publish(moment)
        wait_until(lambda: ledger.diagnostics[-1].header.stamp.sec == second, what='the clock')

    with stub_node(*PARAMETERS, 'use_sim_time:=true', 'max_age_s:=5.0') as node:
        ledger.connect()
        ledger.observer.wait_for_subscriber(clock)
        for second in (100, 101, 50, 51, 100):       # a bag that is played in a loop
            at(second)
            ledger.answer(cloud(1, stamp=second))
        for frame in ('other_camera', 'camera'):
            ledger.answer(cloud(1, stamp=100, frame=frame))
        at(200)
        ledger.publisher.publish(cloud(1, stamp=101))            # late: from before the jump
        ledger.status(lambda state: 'more than max_age_s' in state.message)
        ledger.answer(cloud(1, stamp=200))
        assert node.running


@contextmanager
def logged(node, words):
    """Wait at the end of the context for one more line with these words."""
    before = node.output.count(words)
    yield
    wait_until(lambda: node.output.count(words) > before, what=f'{words!r} once more')


def test_a_camera_that_is_killed_or_suspended_and_comes_back(observer):
    poses = observer.collect(TransformStamped, '/pointpng/pose')
    silent, back = 'start the publisher again', f'clouds on {TOPIC} after'
    with stub_node(*PARAMETERS, 'cloud_timeout_s:=1.0') as node:
        node.wait_for_output('nobody publishes')
        for end in (signal.SIGKILL, signal.SIGSTOP):
            del poses[:]
            with logged(node, back):
                camera = RosProcess('test/ros/stub_camera.py')
            with camera:
                wait_until(lambda: len(poses) > 5, what='poses')
                with logged(node, silent):
                    camera.send(end)
                if end == signal.SIGSTOP:
                    del poses[:]
                    with logged(node, back):
                        camera.send(signal.SIGCONT)
                    wait_until(lambda: poses, what='poses again')
            seconds = [pose.header.stamp.sec for pose in poses]
            assert seconds == sorted(set(seconds))


def test_a_node_that_was_suspended_goes_on_with_the_newest_cloud(ledger):
    with stub_node(*PARAMETERS, arguments=('--slow', '0.05')) as node:
        ledger.connect()
        ledger.answer(cloud(1, stamp=1))
        node.send(signal.SIGSTOP)
        for stamp in range(100, 150):
            ledger.send(cloud(1, stamp=stamp))
            time.sleep(0.02)
        node.send(signal.SIGCONT)
        ledger.answer(cloud(1, stamp=200))
        late = [pose for pose in ledger.poses if 100 <= pose.header.stamp.sec < 150]
        assert len(late) < 10            # no backlog: the rest was replaced, not queued


def test_poses_in_another_frame_never_use_another_stamp(ledger):
    tf = ledger.observer.node.create_publisher(TransformStamped, '/tf_of_test', 10)

    def publish_tf(second, node):
        message = TransformStamped(header=Header(frame_id='map'), child_frame_id='camera')
        message.header.stamp = cloud(stamp=second).header.stamp
        message.transform.translation.x, message.transform.rotation.w = 10.0, 1.0
        tf.publish(message)
        node.wait_for_output(f'tf at {second} s')

    with stub_node(*PARAMETERS, 'target_frame:=map', PYTHONPATH=FAKES) as node:
        ledger.connect()
        ledger.observer.wait_for_subscriber(tf)
        ledger.publisher.publish(cloud(1, stamp=1))              # missing
        ledger.status(lambda state: "no transform from 'camera'" in state.message)
        publish_tf(1, node)                                            # late
        publish_tf(2, node)
        ledger.answer(cloud(1, stamp=2), frame='map')
        ledger.publisher.publish(cloud(1, stamp=3, frame='elsewhere'))
        ledger.status(lambda state: "no transform from 'elsewhere'" in state.message)
        publish_tf(4, node)
        ledger.answer(cloud(1, stamp=4), frame='map')
        assert {pose.header.stamp.sec for pose in ledger.poses} == {2, 4}
        assert all(11 < pose.transform.translation.x < 12 for pose in ledger.poses)
        assert np.isfinite(ledger.poses[0].transform.rotation.w)
