"""One recording, one answer: node, `pointpng frames` and the Python API agree on every frame."""

import json

import numpy as np
import pytest
from test_node import Rig, poses_of
from test_node_real import node, offline_pipeline

from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.io.bags.writer import write_bag
from pointpng_core.simulation.sample_files import write_catalogue
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld
from pointpng_ros import cli
from pointpng_ros.messages.cloud_message import ros_cloud
from pointpng_ros.messages.pose_messages import matrix_from_transform

TOPIC = '/camera/depth/points'
NAMES = ('mug', 'drill')
AGREED = 1e-6


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    """A bag of five frames, the third of which shows nothing, and its object library."""
    folder = tmp_path_factory.mktemp('recording')
    simulator = DepthSimulator(TabletopWorld(NAMES))
    frames = [simulator.frame(index, rate_hz=5.0).points for index in range(5)]
    frames[2] = np.full_like(frames[2], np.nan)
    write_bag(folder / 'bag', frames, topic=TOPIC, frame_id='camera', rate_hz=5.0)
    write_catalogue(folder / 'objects', NAMES)
    return folder / 'bag', folder / 'objects'


def by_command(recording, folder):
    """The frames of the JSON, without what is measured in milliseconds."""
    bag, objects = recording
    target = folder / 'frames.json'
    assert cli.main(['frames', str(bag), '--objects', str(objects), '--json', str(target)]) == 0
    result = json.loads(target.read_text())
    assert (result['topic'], result['damage']) == (TOPIC, '')
    return [{key: value for key, value in frame.items() if key != 'stage_ms'}
            for frame in result['frames']]


def by_api(recording):
    """Poses by name, of each frame that shows anything."""
    bag, objects = recording
    pipeline, frames = offline_pipeline(objects), []
    with CloudBag(bag) as opened:
        for time_ns, message in opened.clouds(TOPIC):
            if np.isfinite(np.frombuffer(message.data, np.float32)).any():
                cloud = decode_cloud(message)
                result = pipeline.process(cloud, time_ns / 1e9)
                frames.append({found.child_frame: found.estimate.T_observation_reference
                               for found in result.detections})
    return frames


def by_node(recording, observer, folder):
    """The same, over DDS."""
    bag, objects = recording
    rig, frames = Rig(observer), []
    with node(f'objects:={objects}', f'cache_dir:={folder}') as process, CloudBag(bag) as opened:
        process.wait_for_output('references: mug, drill')
        rig.connect()
        for _, message in opened.clouds(TOPIC):
            cloud = ros_cloud(message)
            if np.isfinite(np.frombuffer(message.data, np.float32)).any():
                frames.append({pose.child_frame_id: matrix_from_transform(pose.transform)
                               for pose in poses_of(rig, cloud)})
            else:
                rig.publisher.publish(cloud)
                rig.status(lambda state: 'are NaN or infinite' in state.message)
    return frames


def poses(frame):
    return {f'{each["label"]}_{each["index"]}': np.array(each['T_camera_object'])
            for each in frame['objects']}


def assert_same(frames, others):
    assert [set(frame) for frame in frames] == [set(other) for other in others]
    for frame, other in zip(frames, others):
        for name, T_camera_object in frame.items():
            np.testing.assert_allclose(other[name], T_camera_object, rtol=0, atol=AGREED)


def test_node_command_and_api_agree(recording, observer, tmp_path, monkeypatch):
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'command'))
    printed = by_command(recording, tmp_path)
    assert [frame['frame_id'] for frame in printed] == ['camera'] * 5
    assert [round(frame['stamp_ns'] / 1e9, 6) for frame in printed] == [0, 0.2, 0.4, 0.6, 0.8]
    assert 'are NaN or infinite' in printed[2]['refused']
    # Exactly, whether or not references come from the cache.
    assert printed == by_command(recording, tmp_path)
    frames = [poses(frame) for frame in printed if frame['refused'] is None]
    assert set(frames[0]) == {'mug_0', 'drill_0'}
    assert any(each['tracked'] for frame in printed for each in frame['objects'])
    assert_same(frames, by_api(recording))
    assert_same(frames, by_node(recording, observer, tmp_path / 'node'))


def test_only_some_frames_for_a_person_to_read(recording, capsys):
    bag, objects = recording
    assert cli.main(['frames', str(bag), '--objects', str(objects), '--frames', '3']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert 'drill_0 (' in lines[0]
    assert lines[2].startswith('0.400 s  all 307200 points are NaN')
