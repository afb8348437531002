"""Poses relative to the previous frame: true motion, names that stay with the objects."""

from helpers.tracking import T_CAMERA_WORLD, shoot, standing
import numpy as np
import pytest

from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.clouds import finite_rows, random_points
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.tracking.config import TrackingConfig


@pytest.fixture
def pipeline(estimator):
    return FramePipeline(estimator=estimator, segmenter=SegmenterConfig(), references=[],
                         config=PipelineConfig())


def step(pipeline, objects, seed, stamp_s=None):
    result = pipeline.process(shoot(objects, seed), stamp_s).first_of_each_label()
    pipeline.renew_references(result)
    return result


def poses_of(result):
    return {found.child_frame: found.estimate.T_observation_reference
            for found in result.detections}


def rotated_deg(T, T_true):
    return np.degrees(np.arccos(np.clip((np.trace(T[:3, :3].T @ T_true[:3, :3]) - 1) / 2, -1, 1)))


def test_each_frame_is_relative_to_the_one_before_and_names_stay(pipeline):
    def placed(number):
        return [standing('drill', -0.2 + 0.01 * number, 0.0, 7.0 * number),
                standing('bracket', 0.2, 0.1, 40.0)]

    assert step(pipeline, placed(0), 0, stamp_s=0.0).detections == ()
    assert [reference.name for reference in pipeline.references] == ['object_0', 'object_1']
    for number in range(1, 4):
        result = step(pipeline, placed(number), number, stamp_s=0.2 * number)
        poses = poses_of(result)
        assert sorted(poses) == ['object_0_0', 'object_1_0']      # the drill shows more points
        T_move = (T_CAMERA_WORLD @ placed(number)[0][1]
                  @ np.linalg.inv(T_CAMERA_WORLD @ placed(number - 1)[0][1]))
        assert rotated_deg(poses['object_0_0'], T_move) < 2.5
        assert rotated_deg(poses['object_1_0'], np.eye(4)) < 2.5
        for found in result.detections:
            centre_m = found.segment.points.mean(axis=0)
            assert np.linalg.norm(poses[found.child_frame][:3, 3] - centre_m) < 0.02
    assert [state.state for state in result.states] == ['tracking'] * 2


def test_a_new_object_gets_a_new_name_and_a_returning_one_its_own(pipeline):
    drill, bracket = standing('drill', -0.2, 0.0), standing('bracket', 0.2, 0.1, 40.0)
    can = standing('can', 0.0, -0.2)
    step(pipeline, [drill, bracket], 0)
    assert sorted(poses_of(step(pipeline, [drill, can], 1))) == ['object_0_0']
    assert {reference.name for reference in pipeline.references} \
        == {'object_0', 'object_1', 'object_2'}
    result = step(pipeline, [drill, bracket, can], 2)
    places = {name: T[:3, 3] for name, T in poses_of(result).items()}
    assert sorted(places) == ['object_0_0', 'object_1_0', 'object_2_0']
    for name, (_, T) in (('object_1_0', bracket), ('object_2_0', can)):
        assert np.linalg.norm(places[name] - (T_CAMERA_WORLD @ T)[:3, 3]) < 0.12


def test_an_object_whose_pose_is_not_accepted_keeps_its_name_by_its_place(estimator):
    strict = FramePipeline(estimator=estimator, segmenter=SegmenterConfig(), references=[],
                           config=PipelineConfig(min_confidence=1.0, tracking=TrackingConfig(
                               min_confidence=1.0)))
    for seed in range(3):
        result = step(strict, [standing('drill', 0.0, 0.0)], seed)
        assert result.detections == ()
        assert [reference.name for reference in strict.references] == ['object_0']


def test_a_temporary_reference_is_not_cached_on_disk(tmp_path):
    estimator = PoseEstimator(cache_dir=tmp_path)
    cloud = shoot([standing('drill', 0.0, 0.0)])
    points = random_points(cloud[finite_rows(cloud)], 500)
    estimator.reference_from_view(points, name='temporary', keep=False)
    assert list(tmp_path.iterdir()) == []
    estimator.reference_from_view(points, name='lasting')
    assert len(list(tmp_path.iterdir())) == 1
