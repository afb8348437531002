"""The picking example as a real process: what it reaches for, what it refuses, how it lets go."""

from contextlib import contextmanager
import importlib.util
from pathlib import Path
import sys
from types import SimpleNamespace

from geometry_msgs.msg import PoseStamped, TransformStamped
from harness import REPOSITORY, RosProcess, wait_until
import numpy as np
import pytest
from rclpy.time import Time
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import PointCloud2
from std_srvs.srv import Trigger
from test_node import TOPIC, cloud, stub_node

from pointpng_core.errors import CloudError
from pointpng_ros.inputs.cloud_topics import cloud_qos
from pointpng_ros.messages.pose_messages import matrix_from_quat, pose_from_matrix
from pointpng_ros.picking.grasp_rules import PickRules, RobotFrame, doubt_of

EXAMPLE = 'pointpng_ros/examples/pick_and_place.py'
FAKES = '' if importlib.util.find_spec('vision_msgs') else str(
    Path(__file__).with_name('fakes'))
PATH = ':'.join(filter(None, (FAKES, str(REPOSITORY))))
GRASP = matrix_from_quat((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
AGE_S = 0.1
UNKNOWN = (-1.0, *[0.0] * 35)


@pytest.fixture
def msg(monkeypatch):
    """The module vision_msgs.msg, a fake where there is none."""
    if FAKES:
        monkeypatch.syspath_prepend(FAKES)
    return importlib.import_module('vision_msgs.msg')


def covariance(shift_m=0.001, rotation_rad=0.01):
    return np.diag([shift_m ** 2] * 3 + [rotation_rad ** 2] * 3).ravel().tolist()


def hypothesis(msg, label, confidence, T=None, values=UNKNOWN):
    made = msg.ObjectHypothesisWithPose()
    made.hypothesis.class_id, made.hypothesis.score = label, confidence
    made.pose.pose = pose_from_matrix(np.eye(4) if T is None else T)
    made.pose.covariance = list(values)
    return made


def detection(msg, name='mug_0', *, confidence=0.95, values=None, others=(), T=None, age_s=AGE_S,
              now=None, frame='base_link'):
    made = msg.Detection3D(id=name, results=[
        hypothesis(msg, name.rpartition('_')[0], confidence, T, values or covariance()),
        *(hypothesis(msg, *other) for other in others)])
    made.header.frame_id = frame
    if now is not None:
        made.header.stamp.sec, made.header.stamp.nanosec = divmod(
            now.nanoseconds - int(age_s * 1e9), 10 ** 9)
    return made


def reason(msg, *, age_s=0.1, **options):
    return doubt_of(detection(msg, **options), PickRules(), age_s=age_s, T_object_ways=[GRASP])


def test_every_doubt_is_reported(msg):
    assert reason(msg) == ''
    assert reason(msg, name='can_0') == 'not a mug'
    assert reason(msg, age_s=0.51) == 'stale: 0.51 s old'
    assert reason(msg, age_s=-0.2) == 'stamped 0.20 s in the future: the clocks differ'
    assert reason(msg, age_s=np.nan).startswith('stale')
    assert reason(msg, confidence=0.79) == 'unsure: confidence 0.79'
    assert reason(msg, others=[('mug', 0.9)]) == (
        'ambiguous: may be at another pose, confidence 0.90')
    assert reason(msg, others=[('cup', 0.1), ('can', 0.6)]) == (
        'ambiguous: may be a can, confidence 0.60')
    assert reason(msg, others=[('can', 0.4)]) == ''
    assert reason(msg, values=covariance(shift_m=0.006)) == 'inexact: sigma 6.0 mm'
    for nothing in ([np.nan] * 36, [0.0] * 36, UNKNOWN):
        assert reason(msg, values=nothing).startswith('inexact')


def test_a_rotation_matters_by_how_far_it_moves_the_gripper(msg):
    """The spin of a can is free: a grasp on its axis is sure, one at its side is not."""
    spin = np.diag([1e-6, 1e-6, 1e-6, 1e-6, 1e-6, np.pi ** 2 / 3]).ravel().tolist()
    can = detection(msg, 'can_0', values=spin)
    rules = PickRules(label='can')
    for arm_m, sure in (((0, 0, 0.1), True), ((0.05, 0, 0), False)):
        way = matrix_from_quat(arm_m, (0, 0, 0, 1))
        assert (doubt_of(can, rules, age_s=0.1, T_object_ways=[way]) == '') == sure


class Robot:
    """Publishes detections and hears what the example wants to reach for."""

    def __init__(self, observer, msg):
        self.observer, self.msg = observer, msg
        self.publisher = observer.node.create_publisher(msg.Detection3DArray,
                                                        '/pointpng/detections', 10)
        self.tf, self.tf_publisher = None, observer.node.create_publisher(
            TransformStamped, '/tf_of_test', 10)
        self.ways = {way: observer.collect(PoseStamped, f'/pick_and_place/{way}')
                     for way in ('approach', 'grasp')}

    def publish_tf(self, transform):
        """Make a transform known: from now on, or with the fake beside every detection."""
        if FAKES:
            self.tf = transform
        else:
            from tf2_ros import StaticTransformBroadcaster
            StaticTransformBroadcaster(self.observer.node).sendTransform(transform)

    def show(self, *options):
        """Publish an array of one detection for each dict of options."""
        now = self.observer.node.get_clock().now()
        if self.tf:
            self.tf.header.stamp = Time(nanoseconds=now.nanoseconds - int(AGE_S * 1e9)).to_msg()
            self.tf_publisher.publish(self.tf)
        self.publisher.publish(self.msg.Detection3DArray(detections=[
            detection(self.msg, **each, now=now) for each in options]))

    def heard(self, node, *options, text):
        """Publish until the example has said something that it had not said before."""
        begin = len(node.output)

        def said():
            self.show(*options)
            return text in node.output[begin:]

        wait_until(said, what=f'{text!r} from the example')

    def reached(self, *options):
        """Publish until it reaches for something; returns the approach and the grasp, (4, 4)."""
        for poses in self.ways.values():
            poses.clear()

        def answered():
            self.show(*options)
            return all(self.ways.values())

        wait_until(answered, what='approach and grasp')
        return [(poses[-1].header.frame_id, matrix(poses[-1].pose))
                for poses in self.ways.values()]


def matrix(pose):
    place, rotation = pose.position, pose.orientation
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat([rotation.x, rotation.y, rotation.z, rotation.w]).as_matrix()
    T[:3, 3] = place.x, place.y, place.z
    return T


@contextmanager
def picking(observer, msg, *parameters, example=EXAMPLE):
    robot = Robot(observer, msg)
    values = [word for parameter in parameters for word in ('-p', parameter)]
    with RosProcess(example, '--ros-args', *values, PYTHONPATH=PATH) as node:
        observer.wait_for_subscriber(robot.publisher)
        for way in robot.ways:
            observer.wait_for_publisher(f'/pick_and_place/{way}')
        yield robot, node


def test_it_comes_from_above_and_reaches_for_one_object_at_a_time(observer, msg):
    T = matrix_from_quat((0.4, 0.1, 0.2), Rotation.random(random_state=1).as_quat())
    other = matrix_from_quat((0.4, -0.3, 0.2), (0, 0, 0, 1))
    with picking(observer, msg) as (robot, node):
        near = {'name': 'mug_0', 'T': T, 'confidence': 0.9}
        surer = {'name': 'mug_1', 'T': other, 'confidence': 0.97}
        (frame, approach), (_, grasp) = robot.reached(near)
        assert frame == 'base_link'
        np.testing.assert_allclose(grasp[:3, 3], T[:3, 3], atol=1e-9)
        np.testing.assert_allclose(grasp[:3, 2], -T[:3, 2], atol=1e-9)
        np.testing.assert_allclose(approach[:3, 3], (T @ [0, 0, 0.1, 1])[:3], atol=1e-9)
        np.testing.assert_allclose(robot.reached(near, surer)[1][1], grasp, atol=1e-9)
        done = observer.call(Trigger, '/pick_and_place/done')
        assert (done.success, done.message) == (True, 'mug_0')
        assert robot.reached(near, surer)[1][1][1, 3] == pytest.approx(-0.3)
        assert node.output.count('target mug_0') == 2       # chosen, done


def test_stale_ambiguous_and_unsure_objects_are_never_reached_for(observer, msg):
    refused = {'stale': {'age_s': 0.8}, 'ambiguous': {'others': [('mug', 0.9)]},
               'unsure': {'confidence': 0.6}, 'inexact': {'values': covariance(0.02)},
               'not a mug': {'name': 'can_0'}, "no transform from 'camera'": {'frame': 'camera'}}
    with picking(observer, msg) as (robot, node):
        for text, options in refused.items():
            robot.heard(node, options, text=text)
        robot.show()
        assert robot.ways == {'approach': [], 'grasp': []}
        robot.reached({})                                   # and a good one still is


def test_a_target_that_is_not_seen_again_expires(observer, msg):
    with picking(observer, msg, 'max_age_s:=0.3') as (robot, node):
        robot.reached({'name': 'mug_0'})
        node.wait_for_output('target mug_0 expired')
        robot.reached({'name': 'mug_1'})
        robot.heard(node, {'name': 'mug_1', 'others': [('mug', 0.9)]},
                    text='target mug_1 expired')
        done = observer.call(Trigger, '/pick_and_place/done')
        assert (done.success, done.message) == (False, '')


def test_poses_in_another_frame_come_through_tf(observer, msg):
    above = TransformStamped(child_frame_id='camera')
    above.header.frame_id, above.transform.translation.z = 'base_link', 1.0
    with picking(observer, msg) as (robot, _):
        robot.publish_tf(above)
        grasp = robot.reached({'frame': 'camera'})[1][1]
        np.testing.assert_allclose(grasp[:3, 3], (0, 0, 1), atol=1e-9)


def test_the_nodes_own_detections_lead_to_a_grasp(observer, msg):
    """Camera, pose_estimator and the example as three processes."""
    clouds = observer.node.create_publisher(PointCloud2, TOPIC, cloud_qos('reliable'))
    with picking(observer, msg, 'label:=object_1', 'base_frame:=camera',
                 'min_confidence:=0.7') as (robot, node), \
            stub_node('publish_detections:=true', 'objects:=folder_1',
                      'cloud_reliability:=reliable', PYTHONPATH=PATH):
        observer.wait_for_subscriber(clouds)

        def reached():
            shown = cloud(1)
            shown.header.stamp = observer.node.get_clock().now().to_msg()
            clouds.publish(shown)
            return robot.ways['grasp']

        (grasp, *_) = wait_until(reached, what='a grasp')
        assert 'target object_1_0' in node.output
        place = matrix(grasp.pose)[:3, 3]
        assert (place > (1.1, 0.1, 1.1)).all()
        assert (place < (1.9, 0.9, 1.9)).all()


def test_without_tf_poses_in_the_robots_own_frame_are_used(msg, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    messages = []
    node = SimpleNamespace(get_logger=lambda: SimpleNamespace(info=messages.append))
    robot, T = RobotFrame(node, 'base_link'), matrix_from_quat((1, 2, 3), (0, 0, 1, 0))
    assert 'base_frame needs the ROS package tf2_ros' in messages[0]
    np.testing.assert_allclose(robot.T_base_object(detection(msg, T=T)), T)
    with pytest.raises(CloudError, match='start pose_estimator with target_frame:=base_link'):
        robot.T_base_object(detection(msg, frame='camera'))
