"""Results to messages: poses, markers, detections and tf, the last two with fake packages."""

import json
import sys
from types import ModuleType, SimpleNamespace

from geometry_msgs.msg import PoseWithCovariance, Transform, TransformStamped, Vector3
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from pointpng_core.errors import CloudError
from pointpng_ros.messages.cloud_message import segment_cloud
from pointpng_ros.messages.detections import DetectionMessages
from pointpng_ros.messages.json_messages import object_list
from pointpng_ros.messages.markers import markers_of
from pointpng_ros.messages.pose_messages import label_of, matrix_from_transform, transform_of
from pointpng_ros.messages.posed_objects import objects_of, unposed_points
from pointpng_ros.messages.tf_frames import FrameLookup, PoseBroadcaster
from pointpng_ros.parameters.node_config import NodeConfig
from pointpng_ros.processing.pose_publisher import PosePublisher


def random_pose(seed):
    rng = np.random.default_rng(seed)
    T = np.eye(4)
    T[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    T[:3, 3] = rng.normal(size=3)
    return T


def result(*poses, points=50):
    """Detections of mugs, every second one ambiguous, and one more segment than those."""
    rng = np.random.default_rng(0)
    segments = [SimpleNamespace(points=rng.normal(size=(points, 3)).astype(np.float32),
                                indices=np.arange(points) + index * points)
                for index in range(len(poses) + 1)]
    return SimpleNamespace(scene=SimpleNamespace(segments=segments), detections=tuple(
        detection(index, T, segment) for index, (T, segment) in enumerate(zip(poses, segments))))


def detection(index, T, segment):
    other = SimpleNamespace(T_observation_reference=random_pose(9), score=0.85)
    can = SimpleNamespace(name='can', T_observation_reference=random_pose(8), confidence=0.3)
    ambiguous = index == 1
    return SimpleNamespace(
        label='mug', index=index, child_frame=f'mug_{index}', segment=segment,
        estimate=SimpleNamespace(T_observation_reference=T, score=0.9, confidence=0.6,
                                 ambiguous=ambiguous, symmetric=True, other_labels=(can,)),
        other_poses=[other] if ambiguous else [], covariance=covariance,
        box=(np.array([0.1, 0, 0.05]), np.array([0.4, 0.4, 0.1])))


def covariance(T_target_cloud):
    """Return the covariance (6, 6) of shifts along x, the axis of the cloud's frame."""
    along = np.eye(3)[0] if T_target_cloud is None else T_target_cloud[:3, 0]
    matrix_6x6 = np.eye(6) * 1e-6
    matrix_6x6[:3, :3] += 1e-4 * np.outer(along, along)
    return matrix_6x6


def header():
    header = Header(frame_id='camera')
    header.stamp.sec = 12
    return header


@pytest.mark.parametrize('seed', range(5))
def test_a_transform_maps_object_points_into_the_clouds_frame(seed):
    T = random_pose(seed)
    posed = objects_of(result(T))[0]
    message = transform_of(posed, header())
    np.testing.assert_allclose(matrix_from_transform(message.transform), T, atol=1e-12)
    assert (message.header, message.child_frame_id) == (header(), 'mug_0')
    assert label_of(posed).data == 'mug'


def test_another_frame_moves_pose_and_points_together():
    T_frame_cloud, T = random_pose(1), random_pose(2)
    still, moved = objects_of(result(T))[0], objects_of(result(T), T_frame_cloud)[0]
    np.testing.assert_allclose(moved.T_frame_object, T_frame_cloud @ T)
    in_object = [(p.points - p.T_frame_object[:3, 3]) @ p.T_frame_object[:3, :3]
                 for p in (still, moved)]
    np.testing.assert_allclose(*in_object, atol=1e-5)


def test_markers_of_nothing_clear_the_display():
    markers = markers_of([], header(), max_points=10).markers
    assert [(marker.action, marker.header) for marker in markers] == [
        (Marker.DELETEALL, header())]


def test_markers_show_points_axes_and_text():
    objects = objects_of(result(random_pose(1), random_pose(2)))
    markers = markers_of(objects, header(), max_points=20).markers
    assert [(m.ns, m.id) for m in markers[1:]] == [
        (ns, i) for i in range(2) for ns in ('points', 'axes', 'text')]
    assert all(marker.header == header() for marker in markers)
    points, axes, text = markers[4:]
    assert 10 < len(points.points) <= 20
    assert points.points[0].x == pytest.approx(objects[1].points[0, 0])
    assert (len(axes.points), len(axes.colors)) == (6, 6)
    assert text.text == 'mug_1 0.60 ?'
    assert [m.ns for m in markers_of(objects[:1], header(), max_points=0).markers[1:]] == [
        'axes', 'text']


class Fields:
    """Fake of a message class: keyword arguments become attributes."""

    def __init__(self, **values):
        vars(self).update(values)


def fake_vision_msgs():
    package, messages = ModuleType('vision_msgs'), ModuleType('vision_msgs.msg')
    for name in ('Detection3DArray', 'Detection3D', 'BoundingBox3D'):
        setattr(messages, name, type(name, (Fields,), {}))
    messages.ObjectHypothesisWithPose = lambda: Fields(
        hypothesis=Fields(class_id='', score=0.0), pose=PoseWithCovariance())
    package.msg = messages
    return package, messages


@pytest.fixture
def detections(monkeypatch):
    package, messages = fake_vision_msgs()
    monkeypatch.setitem(sys.modules, 'vision_msgs', package)
    monkeypatch.setitem(sys.modules, 'vision_msgs.msg', messages)
    return DetectionMessages()


def matrix(pose):
    rotation, position = pose.orientation, pose.position
    return matrix_from_transform(Transform(rotation=rotation, translation=Vector3(
        x=position.x, y=position.y, z=position.z)))


@pytest.mark.parametrize('T_frame_cloud', [None, random_pose(5)])
def test_detections_carry_class_confidence_covariance_and_box(detections, T_frame_cloud):
    objects = objects_of(result(random_pose(3), random_pose(4)), T_frame_cloud)
    array = detections.array_of(objects, header())
    assert array.header == header()
    for posed, found in zip(objects, array.detections):
        assert (found.header, found.id) == (header(), posed.child_frame)
        best = found.results[0]
        assert (best.hypothesis.class_id, best.hypothesis.score) == ('mug', 0.6)
        np.testing.assert_allclose(matrix(best.pose.pose), posed.T_frame_object, atol=1e-12)
        np.testing.assert_allclose(np.reshape(best.pose.covariance, (6, 6)),
                                   covariance(T_frame_cloud))
        np.testing.assert_allclose(
            matrix(found.bbox.center), posed.T_frame_object @ matrix_from_transform(Transform(
                translation=Vector3(x=0.1, y=0.0, z=0.05))), atol=1e-12)
        size = found.bbox.size
        np.testing.assert_allclose([size.x, size.y, size.z], [0.4, 0.4, 0.1])
    assert detections.array_of([], header()).detections == []


def test_what_else_an_object_could_be_follows_the_pose_that_was_accepted(detections):
    T_frame_cloud = random_pose(5)
    array = detections.array_of(objects_of(result(random_pose(3), random_pose(4)), T_frame_cloud),
                                header())
    sure, doubtful = (found.results for found in array.detections)
    assert [r.hypothesis.class_id for r in sure] == ['mug', 'can']
    assert [r.hypothesis.class_id for r in doubtful] == ['mug', 'mug', 'can']
    assert [r.hypothesis.score for r in doubtful] == pytest.approx([0.6, 0.6 * 0.85 / 0.9, 0.3])
    for other, seed in zip(doubtful[1:], (9, 8)):
        np.testing.assert_allclose(matrix(other.pose.pose), T_frame_cloud @ random_pose(seed),
                                   atol=1e-12)
        assert other.pose.covariance[0] == -1


def test_the_list_of_objects_says_what_the_detections_say(detections):
    objects = objects_of(result(random_pose(3), random_pose(4)), random_pose(5))
    listed = json.loads(object_list(objects, header()).data)
    assert listed['header'] == {'stamp': {'sec': 12, 'nanosec': 0}, 'frame_id': 'camera'}
    assert [entry['ambiguous'] for entry in listed['objects']] == [False, True]
    for entry, found in zip(listed['objects'], detections.array_of(objects, header()).detections):
        best, *others = found.results
        assert (entry['id'], entry['symmetric']) == (found.id, True)
        assert entry['covariance'] == pytest.approx(best.pose.covariance)
        assert entry['box']['size_m'] == pytest.approx([0.4, 0.4, 0.1])
        for pose, hypothesis in zip([entry, *entry['others']], [best, *others]):
            position = hypothesis.pose.pose.position
            assert pose['position_m'] == pytest.approx([position.x, position.y, position.z])
            assert (pose['label'], pose['confidence']) == (hypothesis.hypothesis.class_id,
                                                           hypothesis.hypothesis.score)
            assert len(pose['quat_xyzw']) == 4
        assert len(entry['others']) == len(others)
    assert json.loads(object_list([], header()).data)['objects'] == []


def test_segments_are_numbered_as_the_poses_and_negative_without_one():
    T_frame_cloud = random_pose(5)
    found = result(random_pose(3), random_pose(4), points=30)
    found.scene.segments.append(SimpleNamespace(
        points=np.zeros((40, 3), np.float32), indices=np.arange(20, 60)))   # partly of the mugs
    found.scene.segments.append(SimpleNamespace(
        points=np.ones((7, 3), np.float32), indices=np.arange(500, 507)))
    objects = objects_of(found, T_frame_cloud)
    message = segment_cloud(objects, unposed_points(found, T_frame_cloud), header())
    assert [field.name for field in message.fields] == ['x', 'y', 'z', 'instance']
    rows = np.frombuffer(message.data, [('xyz', '<f4', 3), ('instance', '<i4')])
    assert len(rows) == message.width == 30 + 30 + 30 + 7
    for number, points in [(0, found.scene.segments[0].points),
                           (1, found.scene.segments[1].points),
                           (-1, found.scene.segments[2].points), (-2, np.ones((7, 3)))]:
        expected = points @ T_frame_cloud[:3, :3].T + T_frame_cloud[:3, 3]
        np.testing.assert_allclose(rows['xyz'][rows['instance'] == number], expected, atol=1e-5)
    empty = segment_cloud([], [], header())
    assert (empty.width, empty.header, len(empty.fields)) == (0, header(), 4)


class Topic:
    """Fake of a publisher."""

    def __init__(self, subscribers):
        self.subscribers, self.sent = subscribers, []

    def get_subscription_count(self):
        return self.subscribers

    def publish(self, message):
        self.sent.append(message)


def publisher_of(subscribed=()):
    """A PosePublisher on a fake node, and its topics by name."""
    topics = {}

    def create_publisher(message_type, name, qos, *, qos_overriding_options):
        return topics.setdefault(name, Topic(int(name in subscribed)))

    return PosePublisher(SimpleNamespace(create_publisher=create_publisher), NodeConfig()), topics


def test_what_holds_all_objects_is_built_only_for_subscribers():
    publisher, topics = publisher_of()
    assert not publisher.wanted
    objects = objects_of(result(random_pose(1)))
    objects[0].detection.covariance = None                  # fails when it is called

    def unposed():
        raise AssertionError('segments were built')

    publisher.publish(objects, header(), marker_points=5, unposed=unposed)
    assert [name for name, topic in topics.items() if topic.sent] == [
        'pointpng/pose', 'pointpng/label']


@pytest.mark.parametrize('name', ['objects', 'segments', 'markers', 'pose', 'label'])
def test_one_subscriber_of_any_topic_wants_clouds_and_gets_its_message(name):
    publisher, topics = publisher_of([f'pointpng/{name}'])
    assert publisher.wanted
    publisher.publish(objects_of(result(random_pose(1))), header(), marker_points=5,
                      unposed=list)
    assert len(topics[f'pointpng/{name}'].sent) == 1


def fake_tf2(known):
    module = ModuleType('tf2_ros')
    module.TransformException = type('TransformException', (Exception,), {})

    class Buffer:
        def lookup_transform(self, target, source, time, timeout):
            if (target, source, time.nanoseconds) not in known:
                raise module.TransformException('extrapolation into the future')
            assert timeout.nanoseconds == 0
            return TransformStamped(transform=known[target, source, time.nanoseconds])

    module.Buffer = Buffer
    module.TransformListener = lambda buffer, node: None
    module.sent = []
    module.TransformBroadcaster = lambda node: SimpleNamespace(sendTransform=module.sent.extend)
    return module


def test_frames_are_looked_up_at_the_clouds_stamp_or_the_cloud_is_refused(monkeypatch):
    transform = Transform()
    transform.translation.x = 3.0
    monkeypatch.setitem(sys.modules, 'tf2_ros',
                        fake_tf2({('map', 'camera', 12_000_000_000): transform}))
    lookup = FrameLookup(None, 'map')
    np.testing.assert_allclose(lookup.T_target_cloud(header())[:3, 3], [3, 0, 0])
    later = header()
    later.stamp.sec = 13
    with pytest.raises(CloudError, match="'camera' to target_frame 'map'"):
        lookup.T_target_cloud(later)


def test_poses_are_broadcast(monkeypatch):
    module = fake_tf2({})
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)
    broadcaster = PoseBroadcaster(None)
    broadcaster.send([])
    broadcaster.send([transform_of(posed, header()) for posed in objects_of(result(np.eye(4)))])
    assert [message.child_frame_id for message in module.sent] == ['mug_0']
