"""The real node on a simulated table: what it says is what the core says offline."""

import numpy as np
import pytest
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from test_node import Rig, RosProcess, poses_of, values_of

from pointpng_core.errors import ConfigError
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.io.object_library import load_library
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.simulation.sample_files import write_catalogue
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld
from pointpng_ros.messages.cloud_message import encode_cloud
from pointpng_ros.messages.pose_messages import matrix_from_transform
from pointpng_ros.parameters.node_config import NodeConfig
from pointpng_ros.parameters.parameter_specs import pose_estimator_groups
from pointpng_ros.processing.pipeline_factory import PipelineFactory

NAMES = ('mug', 'drill')


@pytest.fixture(scope='module')
def frame():
    return DepthSimulator(TabletopWorld(NAMES)).frame(0, rate_hz=5.0)


@pytest.fixture(scope='module')
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp('library')
    write_catalogue(folder, NAMES)
    return folder


def node(*parameters):
    values = [item for parameter in parameters for item in ('-p', parameter)]
    return RosProcess('-m', 'pointpng_ros.nodes.pose_estimator', '--ros-args',
                      '-p', 'threads:=1', '-p', 'cloud_reliability:=reliable',
                      '-p', 'diagnostics_period_s:=0.2', *values)


def cloud(frame, stamp):
    height, width = frame.points.shape[:2]
    header = Header(frame_id='camera')
    header.stamp.sec = stamp
    return encode_cloud(frame.points.reshape(-1, 3), header, image_shape=(height, width))


def offline_pipeline(library):
    estimator = PoseEstimator()
    references = [estimator.reference_from_model(m.model, name=m.name, symmetry=m.symmetry)
                  for m in load_library(library)]
    return FramePipeline(estimator=estimator, references=references,
                         segmenter=SegmenterConfig(), config=PipelineConfig())


def offline(pipeline, frame, stamp_s=None):
    """The result, and the poses by child frame."""
    points = PointCloud(points=frame.points.reshape(-1, 3), image_shape=frame.points.shape[:2])
    result = pipeline.process(points, stamp_s)
    return result, {each.child_frame: each.estimate.T_observation_reference
                    for each in result.detections}


def test_node_and_core_agree_and_find_the_objects(observer, library, frame, tmp_path):
    rig = Rig(observer)
    with node(f'objects:={library}', f'cache_dir:={tmp_path}') as process:
        process.wait_for_output('references: mug, drill')
        rig.connect()
        poses = {pose.child_frame_id: matrix_from_transform(pose.transform)
                 for pose in poses_of(rig, cloud(frame, 1))}
        values = values_of(rig.status(lambda state: values_of(state)['processed'] == '1'))
        assert values['plane'].startswith('normal (')
    _, expected = offline(offline_pipeline(library), frame)
    assert set(poses) == set(expected) == {truth.frame for truth in frame.truths}
    for name, T in expected.items():
        np.testing.assert_allclose(poses[name], T, atol=1e-4)
    for truth in frame.truths:
        off_m = np.linalg.norm(poses[truth.frame][:3, 3] - truth.T_camera_object[:3, 3])
        assert off_m < 0.01


def test_a_sequence_is_followed_as_offline_until_it_is_reset(observer, library, tmp_path):
    simulator = DepthSimulator(TabletopWorld(NAMES))
    frames = [simulator.frame(index, rate_hz=5.0) for index in range(5)]
    pipeline, rig, results = offline_pipeline(library), Rig(observer), []
    with node(f'objects:={library}', f'cache_dir:={tmp_path}') as process:
        process.wait_for_output('references: mug, drill')
        rig.connect()
        for second, frame in enumerate(frames, start=1):
            if second == len(frames):
                answer = observer.call(Trigger, '/pose_estimator/reset')
                assert (answer.success, 'tracks cleared' in answer.message) == (True, True)
                pipeline.reset()
            poses = {pose.child_frame_id: matrix_from_transform(pose.transform)
                     for pose in poses_of(rig, cloud(frame, second))}
            result, expected = offline(pipeline, frame, float(second))
            results.append(result)
            assert set(poses) == set(expected)
            # Forgotten, a mug whose handle is hidden may be rotated any way.
            assert {found.child_frame for found in (*result.detections, *result.poorly_constrained)
                    } == {truth.frame for truth in frame.truths}
            for name, T in expected.items():
                np.testing.assert_allclose(poses[name], T, atol=1e-4)
        values = values_of(rig.status(lambda state: values_of(state)['processed'] == '5'))
    assert [result.tracked for result in results] == [0, 2, 2, 2, 0]
    assert [results[index].searched for index in (0, -1)] == [2, 2]
    for key in ('tracked', 'searched'):
        mean = np.mean([getattr(result, key) for result in results])
        assert float(values[f'{key}_per_frame']) == pytest.approx(mean)
    assert float(values['stage_track_ms']) > 0


def test_without_a_library_the_first_look_is_found_again(observer, frame):
    rig = Rig(observer)
    with node("cache_dir:=''") as process:
        process.wait_for_output('listening on')
        rig.connect()
        poses = poses_of(rig, cloud(frame, 1))
        process.wait_for_output('references from the first cloud: object_0, object_1')
        assert sorted(pose.child_frame_id for pose in poses) == ['object_0_0', 'object_1_0']
        for pose in poses:
            angle_rad = 2 * np.arccos(min(1.0, abs(pose.transform.rotation.w)))
            assert angle_rad < np.radians(2)


def test_a_missing_library_ends_the_node_with_one_line(domain):
    with node('objects:=/no/such/folder') as process:
        assert process.wait(timeout_s=60) == 1
        assert 'object library /no/such/folder is not a folder' in process.output
        assert 'Traceback' not in process.output


def test_a_device_that_is_not_there_is_refused():
    configs = {group.prefix: group.defaults for group in pose_estimator_groups()}
    configs[''] = NodeConfig(device='cuda:99', cache_dir='')
    with pytest.raises(ConfigError, match='cuda:99'):
        PipelineFactory(configs, print)
