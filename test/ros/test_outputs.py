"""What the node publishes beside the poses: objects as JSON, segments, latched references."""

import json
import re

from harness import REPOSITORY, wait_until
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String
from std_srvs.srv import Trigger
from test_node import Rig, cloud, poses_of, stub_node
from test_node_control import change
from test_node_real import cloud as real_cloud
from test_node_real import frame, library, node, offline, offline_pipeline

__all__ = ['frame', 'library']     # the fixtures

RELIABLE = 'cloud_reliability:=reliable'
LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Outputs:
    """What comes on the topics, by the second of the cloud's stamp."""

    def __init__(self, observer):
        self._objects = observer.collect(String, '/pointpng/objects')
        self._segments = observer.collect(PointCloud2, '/pointpng/segments')

    def objects(self, second):
        return wait_until(lambda: next((listed for listed in self.lists() if listed[
            'header']['stamp']['sec'] == second), None), what=f'objects of second {second}')

    def lists(self):
        return [json.loads(message.data) for message in self._objects]

    def segments(self, second):
        return wait_until(lambda: next((message for message in self._segments if
                                        message.header.stamp.sec == second), None),
                          what=f'segments of second {second}')


def test_objects_and_segments_of_a_cloud_have_its_header_and_agree_with_the_poses(observer):
    rig, outputs = Rig(observer), Outputs(observer)
    with stub_node(RELIABLE):
        rig.connect()
        rig.exchange(cloud(0, 7, stamp=1))
        poses = poses_of(rig, cloud(0, 5, 7, stamp=2))
        listed = outputs.objects(2)
        assert listed['header'] == {'frame_id': 'camera',
                                    'stamp': {'sec': 2, 'nanosec': 123456789}}
        assert [entry['id'] for entry in listed['objects']] == [
            pose.child_frame_id for pose in poses] == ['object_0_0', 'object_7_0']
        assert [entry['ambiguous'] for entry in listed['objects']] == [False, True]
        for entry, pose in zip(listed['objects'], poses):
            place, rotation = pose.transform.translation, pose.transform.rotation
            assert entry['position_m'] == [place.x, place.y, place.z]
            assert entry['quat_xyzw'] == [rotation.x, rotation.y, rotation.z, rotation.w]
            assert entry['confidence'] == 0.75
            assert entry['box'] == {'centre_m': [0.0, 0.125, 0.05], 'size_m': [0.5, 0.25, 0.1]}
        message = outputs.segments(2)
        rows = np.frombuffer(message.data, [('x', '<f4'), ('yz', '<f4', 2), ('instance', '<i4')])
        assert [(int(x), number) for x, number in zip(rows['x'][::20], rows['instance'][::20])] \
            == [(0, 0), (7, 1), (5, -1)]
        rig.exchange(cloud(3, stamp=3))
        assert outputs.objects(3)['objects'] == []
        assert set(np.frombuffer(outputs.segments(3).data, '<i4')[3::4]) == {-1}


def test_references_are_latched_and_published_again_only_when_others_are_in_use(observer):
    rig = Rig(observer)
    with stub_node(RELIABLE):
        rig.connect()
        rig.exchange(cloud(0, 2, stamp=1))
        rig.exchange(cloud(0, 2, stamp=2))
        references = observer.collect(String, '/pointpng/references', LATCHED)

        def newest(count):
            wait_until(lambda: len(references) == count, what=f'{count} sets of references')
            listed = json.loads(references[-1].data)
            return listed['source'], [each['name'] for each in listed['references']]

        assert newest(1) == ('first_look', ['object_0', 'object_2'])
        observer.call(Trigger, '/pose_estimator/reset')
        assert newest(2) == ('first_look', [])
        rig.exchange(cloud(4, stamp=3))
        assert newest(3) == ('first_look', ['object_4'])
        rig.exchange(cloud(4, 5, stamp=4))
        observer.call(Trigger, '/pose_estimator/set_reference')
        assert newest(4) == ('first_look', ['object_4', 'object_5'])
        assert change(rig, objects='folder_1').successful
        assert newest(5) == ('library', ['object_1'])
        assert json.loads(references[-1].data)['references'] == [{
            'name': 'object_1', 'complete': True, 'diameter_m': 0.6,
            'box': {'centre_m': [0.0, 0.125, 0.05], 'size_m': [0.5, 0.25, 0.1]},
            'symmetry': {'kind': 'finite', 'elements': [
                {'axis': [0.0, 0.0, 1.0], 'order': 2, 'point_m': [0.0, 0.0, 0.0]}]}}]


def test_without_a_cloud_a_library_is_published_and_first_look_has_none(observer):
    references = observer.collect(String, '/pointpng/references', LATCHED)
    with stub_node('objects:=folder_1'):
        wait_until(lambda: references, what='the library')
    assert 'object_1' in references[0].data
    references.clear()
    with stub_node():
        wait_until(lambda: references, what='no references')
    assert json.loads(references[0].data)['references'] == []


def test_the_real_node_publishes_covariances_and_labels_as_the_core_does(observer, library, frame,
                                                                     tmp_path):
    rig, outputs = Rig(observer), Outputs(observer)
    references = observer.collect(String, '/pointpng/references', LATCHED)
    with node(f'objects:={library}', f'cache_dir:={tmp_path}') as process:
        process.wait_for_output('references: mug, drill')
        rig.connect()
        rig.exchange(real_cloud(frame, 1))
        listed = outputs.objects(1)['objects']
    expected = offline(offline_pipeline(library), frame)[0].detections
    assert [entry['id'] for entry in listed] == [found.child_frame for found in expected]
    for entry, found in zip(listed, expected):
        # Poses are refined in single precision, and a node has other threads: what is near a
        # limit in one process may be beyond it in another.
        assert np.reshape(entry['covariance'], (6, 6)) == pytest.approx(
            found.covariance(), rel=0.02, abs=1e-7)
        assert entry['confidence'] == pytest.approx(found.estimate.confidence, abs=0.01)
        assert {other['label'] for other in entry['others']} >= {
            other.name for other in found.estimate.other_labels}
    drill = next(each for each in json.loads(references[-1].data)['references']
                 if each['name'] == 'drill')
    assert (drill['complete'], drill['symmetry']['kind']) == (True, 'none')
    assert 0.1 < drill['diameter_m'] < 0.4


DOCS = (REPOSITORY / 'docs' / 'topics.md').read_text()


def documented(column):
    """Types by full name of the tables whose rows begin with a name in backticks."""
    rows = re.findall(r'^\| `(/[^`]+)`[^|]*\| `([^`]+)` \|', DOCS, re.MULTILINE)
    return {name: kind.replace('/', f'/{column}/') for name, kind in rows}


def graph(node, ask):
    return {name: types[0] for name, types in ask('pose_estimator', '/')
            if not name.startswith(('/rosout', '/parameter_events', '/clock'))}


def test_the_docs_name_every_topic_and_service_with_its_type_and_durability(observer):
    node = observer.node
    with stub_node():
        observer.wait_for_publisher('/diagnostics')
        wait_until(lambda: ('pose_estimator', '/') in node.get_node_names_and_namespaces(),
                   what='the name of the node')
        wait_until(lambda: '/pose_estimator/enable' in dict(
            node.get_service_names_and_types_by_node('pose_estimator', '/')), what='the services')
        topics = graph(node, node.get_publisher_names_and_types_by_node)
        topics |= graph(node, node.get_subscriber_names_and_types_by_node)
        services = graph(node, node.get_service_names_and_types_by_node)
        latched = {name for name in topics for each in node.get_publishers_info_by_topic(name)
                   if each.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL}
    assert '/pointpng/objects' in topics
    assert topics.items() <= documented('msg').items()
    own = {name: kind for name, kind in services.items() if kind.startswith('std_srvs')}
    assert own
    assert own.items() <= documented('srv').items()
    assert latched == set(re.findall(r'^\| `([^`]+)`.*transient local', DOCS, re.MULTILINE))


def keys_of(value):
    """Return the keys of nested objects; a list counts as its first entry."""
    if isinstance(value, list):
        return keys_of(value[0]) if value else None
    return {key: keys_of(each) for key, each in value.items()} if isinstance(value, dict) else None


def test_the_docs_show_the_keys_that_there_are(observer):
    shown = [json.loads(text) for text in re.findall(r'```json\n(.*?)```', DOCS, re.DOTALL)]
    rig, outputs = Rig(observer), Outputs(observer)
    references = observer.collect(String, '/pointpng/references', LATCHED)
    with stub_node(RELIABLE, 'objects:=folder_1'):
        rig.connect()
        rig.exchange(cloud(1, 2, stamp=1))
        published = [outputs.objects(1),
                     json.loads(wait_until(lambda: references, what='it')[0].data)]
    assert [keys_of(each) for each in shown] == [keys_of(each) for each in published]
