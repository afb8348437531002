"""Simulated tables: nearly all grasps that the rules allow are where the detections say."""

import importlib

import numpy as np
import pytest
from std_msgs.msg import Header
from test_pick_and_place import FAKES

from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig
from pointpng_ros.messages.detections import DetectionMessages
from pointpng_ros.messages.pose_messages import matrix_from_pose, matrix_from_quat
from pointpng_ros.messages.posed_objects import objects_of
from pointpng_ros.picking.grasp_rules import PickRules, doubt_of

pytestmark = pytest.mark.slow
NAMES = ('mug', 'bottle', 'drill', 'bracket', 'box', 'spray')
SCENES, FRAMES = 12, (0, 1, 2, 20)
NEAR_M = 0.005


def way_to(reference):
    """To the middle of an object, down its z axis."""
    return matrix_from_quat(reference.centre, (1.0, 0.0, 0.0, 0.0))


def error_m(detection, way, truths):
    """How far the gripper comes from where it should, symmetry-aware."""
    T = matrix_from_pose(detection.results[0].pose.pose)
    name = detection.results[0].hypothesis.class_id
    true = [truth.T_camera_object @ make_object(name).symmetry.nearest(truth.T_camera_object, T)
            for truth in truths if truth.label == name]
    return min(float(np.linalg.norm(((T - T_true) @ way)[:3, 3])) for T_true in true)


@pytest.fixture(scope='module')
def estimator():
    from pointpng_core.estimator import PoseEstimator
    return PoseEstimator()


@pytest.fixture(scope='module')
def references(estimator):
    return [estimator.reference_from_model(make_object(name).mesh, name=name,
                                           symmetry=make_object(name).symmetry) for name in NAMES]


def reached(estimator, references, scene):
    """Yield (doubt, error in metres) for every detection of a scene."""
    ways = {reference.name: way_to(reference) for reference in references}
    simulator = DepthSimulator(TabletopWorld(NAMES, config=WorldConfig(seed=scene)))
    pipeline = FramePipeline(estimator=estimator, segmenter=SegmenterConfig(),
                             references=references, config=PipelineConfig())
    for number in FRAMES:
        frame = simulator.frame(number, rate_hz=10)
        result = pipeline.process(frame.points.reshape(-1, 3), number / 10)
        for found in DetectionMessages().array_of(objects_of(result), Header()).detections:
            name = found.results[0].hypothesis.class_id
            yield (doubt_of(found, PickRules(label=name), age_s=0.1, T_object_ways=[ways[name]]),
                   error_m(found, ways[name], frame.truths))


def test_allowed_grasps_are_where_the_detections_say(estimator, references, monkeypatch):
    if FAKES:
        monkeypatch.syspath_prepend(FAKES)
    importlib.import_module('vision_msgs.msg')
    judged = [each for scene in range(SCENES) for each in reached(estimator, references, scene)]
    sure = np.array([error for doubt, error in judged if not doubt])
    print(f'{len(judged)} detections, {len(sure) / len(judged):.3f} reached for; of these within '
          f'{NEAR_M} m {np.mean(sure < NEAR_M):.3f}, of all '
          f'{np.mean([error < NEAR_M for _, error in judged]):.3f}; '
          f'median {np.median(sure):.5f} m')
    assert len(judged) > 0.85 * SCENES * len(FRAMES) * len(NAMES)
    assert len(sure) > 0.9 * len(judged)
    assert np.mean(sure < NEAR_M) > 0.98
    assert np.median(sure) < 0.001
