"""Results to messages: poses, markers, detections and tf, the last two with stand-in packages."""

import sys
from types import ModuleType, SimpleNamespace

from geometry_msgs.msg import Pose, PoseWithCovariance, Transform, TransformStamped
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from pointpng_core.errors import CloudError
from pointpng_ros.detections import DetectionMessages, box_in_object_frame
from pointpng_ros.frames import FrameLookup, PoseBroadcaster, matrix_of
from pointpng_ros.messages import label_of, markers_of, transform_of
from pointpng_ros.posed_objects import objects_of


def random_pose(seed):
    rng = np.random.default_rng(seed)
    T = np.eye(4)
    T[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    T[:3, 3] = rng.normal(size=3)
    return T


def result(*poses, points=50):
    rng = np.random.default_rng(0)
    return SimpleNamespace(detections=tuple(SimpleNamespace(
        label='mug', index=index, child_frame=f'mug_{index}',
        estimate=SimpleNamespace(T_observation_reference=T, score=0.9, ambiguous=index == 1),
        segment=SimpleNamespace(points=rng.normal(size=(points, 3)).astype(np.float32)))
        for index, T in enumerate(poses)))


def header():
    header = Header(frame_id='camera')
    header.stamp.sec = 12
    return header


@pytest.mark.parametrize('seed', range(5))
def test_a_transform_maps_object_points_into_the_clouds_frame(seed):
    T = random_pose(seed)
    posed = objects_of(result(T))[0]
    message = transform_of(posed, header())
    np.testing.assert_allclose(matrix_of(message.transform), T, atol=1e-12)
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
    assert text.text == 'mug_1 0.90 ?'
    assert [m.ns for m in markers_of(objects[:1], header(), max_points=0).markers[1:]] == [
        'axes', 'text']


class Fields:
    """Stands in for a message class: keyword arguments become attributes."""

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


def test_detections_carry_class_score_pose_and_box(monkeypatch):
    package, messages = fake_vision_msgs()
    monkeypatch.setitem(sys.modules, 'vision_msgs', package)
    monkeypatch.setitem(sys.modules, 'vision_msgs.msg', messages)
    T = random_pose(3)
    objects = objects_of(result(T))
    array = DetectionMessages().array_of(objects, header())
    detection = array.detections[0]
    assert (array.header, detection.header, detection.id) == (header(), header(), 'mug_0')
    hypothesis = detection.results[0]
    assert (hypothesis.hypothesis.class_id, hypothesis.hypothesis.score) == ('mug', 0.9)
    assert isinstance(hypothesis.pose.pose, Pose)
    centre_m, size_m = box_in_object_frame(objects[0])
    inside = np.abs((objects[0].points - T[:3, 3]) @ T[:3, :3] - centre_m) <= size_m / 2 + 1e-6
    assert inside.all()
    centre = detection.bbox.center.position
    np.testing.assert_allclose([centre.x, centre.y, centre.z], T[:3, :3] @ centre_m + T[:3, 3])
    assert DetectionMessages().array_of([], header()).detections == []


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
