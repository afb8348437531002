"""Objects whose pose is poorly constrained: label and place are published, marked, no pose."""

import json
from types import SimpleNamespace

from geometry_msgs.msg import TransformStamped
from harness import wait_until
from helpers.tracking import shoot, standing
import numpy as np
import pytest
from std_msgs.msg import String
from test_messages import covariance, detection, header, matrix, publisher_of, random_pose, result
from test_node import Rig, cloud, poses_of, stub_node
from test_node_real import library, node, offline_pipeline
from test_pick_and_place import PATH, msg, picking, reason
from visualization_msgs.msg import Marker

from pointpng_core.estimator import PoseEstimator
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig
from pointpng_ros.messages.cloud_message import encode_cloud
from pointpng_ros.messages.detections import DetectionMessages
from pointpng_ros.messages.json_messages import object_list
from pointpng_ros.messages.markers import markers_of
from pointpng_ros.messages.posed_objects import objects_of, poorly_constrained_objects_of

__all__ = ['library', 'msg']     # the fixtures
T_FRAME_CLOUD = random_pose(5)


@pytest.fixture
def objects():
    """One posed mug, and one whose handle is hidden, in another frame than the cloud's."""
    found = result(random_pose(3))
    found.poorly_constrained = (detection(1, random_pose(4), found.scene.segments[1]),)
    return objects_of(found, T_FRAME_CLOUD), poorly_constrained_objects_of(found, T_FRAME_CLOUD)


def test_nobody_who_looks_for_a_label_finds_a_poorly_constrained_object(msg, objects):
    posed, poor = objects
    array = DetectionMessages().array_of([*posed, *poor], header())
    sure, marked = array.detections
    assert {each.hypothesis.class_id for each in sure.results} == {'mug', 'can'}
    assert [each.hypothesis.class_id for each in marked.results] == ['poorly_constrained/mug']
    assert marked.results[0].hypothesis.score == 0.6
    assert (marked.id, marked.header) == ('mug_1', header())


def test_a_poorly_constrained_object_has_place_box_and_covariance(msg, objects):
    marked, = DetectionMessages().array_of(objects[1], header()).detections
    pose = marked.results[0].pose
    np.testing.assert_allclose(matrix(pose.pose), T_FRAME_CLOUD @ random_pose(4), atol=1e-12)
    np.testing.assert_allclose(np.reshape(pose.covariance, (6, 6)), covariance(T_FRAME_CLOUD))
    size = marked.bbox.size
    np.testing.assert_allclose([size.x, size.y, size.z], [0.4, 0.4, 0.1])


def test_the_json_keeps_poorly_constrained_objects_apart(objects):
    posed, poor = objects
    listed = json.loads(object_list(posed, header(), poor).data)
    assert [entry['id'] for entry in listed['objects']] == ['mug_0']
    marked, = listed['poorly_constrained']
    assert (marked['id'], marked['label'], marked['others']) == ('mug_1', 'mug', [])
    assert marked.keys() == listed['objects'][0].keys()
    assert json.loads(object_list(posed, header()).data)['poorly_constrained'] == []


def test_markers_show_the_box_in_which_it_is(objects):
    posed, poor = objects
    alone = markers_of(posed, header(), max_points=5).markers
    markers = markers_of(posed, header(), max_points=5, poorly_constrained=poor).markers
    assert markers[:len(alone)] == alone
    box, text = markers[len(alone):]
    assert {(each.ns, each.id) for each in (box, text)} == {('poorly_constrained', 0),
                                                           ('poorly_constrained', 1)}
    assert box.type == Marker.CUBE
    assert 0 < box.color.a < 0.5
    assert [box.scale.x, box.scale.y, box.scale.z] == pytest.approx([0.4, 0.4, 0.1])
    T, (centre_m, _) = poor[0].T_frame_object, poor[0].box
    np.testing.assert_allclose(matrix(box.pose)[:3, 3], T[:3, :3] @ centre_m + T[:3, 3])
    assert text.text == 'mug_1 poorly constrained'


def test_it_is_no_pose_no_label_and_no_transform(objects):
    names = ['objects', 'markers', 'pose', 'label']
    publisher, topics = publisher_of([f'pointpng/{name}' for name in names])
    sent = []
    publisher._broadcaster = SimpleNamespace(send=sent.extend)
    publisher.publish(objects[0], header(), marker_points=5, unposed=list,
                      poorly_constrained=objects[1])
    assert [each.child_frame_id for each in topics['pointpng/pose'].sent] == ['mug_0']
    assert [each.child_frame_id for each in sent] == ['mug_0']
    assert len(topics['pointpng/label'].sent) == 1
    assert 'mug_1' in topics['pointpng/objects'].sent[0].data
    shown, = topics['pointpng/markers'].sent
    assert 'mug_1 poorly constrained' in {each.text for each in shown.markers}


def test_the_node_publishes_it_among_the_detections_only(observer, msg):
    arrays = observer.collect(msg.Detection3DArray, '/pointpng/detections')
    lists = observer.collect(String, '/pointpng/objects')
    transforms = observer.collect(TransformStamped, '/pointpng/pose')
    rig = Rig(observer)
    with stub_node('cloud_reliability:=reliable', 'publish_detections:=true', PYTHONPATH=PATH):
        rig.connect()
        rig.exchange(cloud(1, 9, stamp=1))
        poses = poses_of(rig, cloud(1, 9, stamp=2))
        assert [pose.child_frame_id for pose in poses] == ['object_1_0']
        array = wait_until(lambda: next((each for each in arrays if each.header.stamp.sec == 2),
                                        None), what='the detections')
        listed = wait_until(lambda: next((each for each in map(json.loads, [
            text.data for text in lists]) if each['header']['stamp']['sec'] == 2), None),
            what='the list of objects')
    assert [(found.id, found.results[0].hypothesis.class_id) for found in array.detections] == [
        ('object_1_0', 'object_1'), ('object_9_0', 'poorly_constrained/object_9')]
    assert [entry['id'] for entry in listed['poorly_constrained']] == ['object_9_0']
    place = array.detections[1].results[0].pose.pose.position
    assert 9.1 < place.x < 9.9
    assert {each.child_frame_id for each in transforms} == {'object_1_0'}
    assert 'poorly_constrained' in {marker.ns for each in rig.markers for marker in each.markers}


def test_rules_refuse_it_by_its_mark(msg):
    assert reason(msg, name='poorly_constrained/mug_0') == (
        'poorly constrained: what would determine its pose is hidden')
    assert reason(msg, name='poorly_constrained/can_0') == 'not a mug'


def test_it_is_never_reached_for_and_always_avoided(observer, msg):
    hidden = {'name': 'poorly_constrained/mug_1', 'confidence': 0.99}
    with picking(observer, msg, example='test/ros/avoiding_node.py') as (robot, node):
        robot.heard(node, hidden, text='poorly_constrained/mug_1 refused, poorly constrained')
        assert robot.ways == {'approach': [], 'grasp': []}
        robot.reached(hidden, {'name': 'mug_0'}, {'name': 'can_0'})
        node.wait_for_output('target mug_0', 'avoided: poorly_constrained/mug_1, can_0')


def test_the_real_node_publishes_what_the_core_says_of_a_mug_without_its_handle(observer, library,
                                                                                tmp_path):
    points = shoot([standing('mug', 0.0, 0.05, 36.0)]).astype(np.float32)
    lists = observer.collect(String, '/pointpng/objects')
    rig = Rig(observer)
    with node(f'objects:={library}', f'cache_dir:={tmp_path}',
              'pipeline.min_confidence:=0.5') as process:
        process.wait_for_output('references: mug, drill')
        rig.connect()
        assert poses_of(rig, encode_cloud(points, header())) == []
        listed = wait_until(lambda: lists, what='the list of objects')[0]
    pipeline = FramePipeline(estimator=PoseEstimator(), segmenter=SegmenterConfig(),
                             references=offline_pipeline(library).references,
                             config=PipelineConfig(min_confidence=0.5))
    expected, = pipeline.process(points).poorly_constrained
    entry, = json.loads(listed.data)['poorly_constrained']
    assert (entry['id'], entry['label']) == ('mug_0', 'mug')
    assert entry['confidence'] == pytest.approx(expected.estimate.confidence)
    assert entry['box']['size_m'] == pytest.approx(expected.box[1])
    assert entry['box']['size_m'][0] > 1.2 * expected.reference.box[1][0]
    assert np.reshape(entry['covariance'], (6, 6)) == pytest.approx(expected.covariance())
