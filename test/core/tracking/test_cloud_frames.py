"""The frame that a cloud is given in does not matter where the sensor's pose in it is known."""

from helpers.objects import pose, random_rotation_matrix
from helpers.tracking import shoot, standing
import numpy as np
import pytest

from pointpng_core.evaluation.recordings.frame_sequence import FrameSequence, RecordedCloud
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.rigid_motion import inverse, looking_at, transform
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig

T_CLOUD_SENSOR = pose(random_rotation_matrix(7), (1.5, -0.4, 2.1))
OBJECTS = (standing('drill', -0.2, 0.05, 60), standing('mug', 0.2, 0.0, 200))


@pytest.fixture
def make_pipeline(estimator, reference):
    return lambda references=None: FramePipeline(
        estimator=estimator, segmenter=SegmenterConfig(), config=PipelineConfig(),
        references=[reference('drill'), reference('mug')] if references is None else references)


def moved(points):
    """The same cloud in another frame; in float64, so that it can be moved back exactly."""
    return PointCloud(points=transform(T_CLOUD_SENSOR, points), T_cloud_sensor=T_CLOUD_SENSOR)


def poses(result):
    return {found.child_frame: found.estimate.T_observation_reference
            for found in result.detections}


def test_results_are_in_the_frame_of_the_cloud_and_otherwise_the_same(make_pipeline):
    bare, other = make_pipeline(), make_pipeline()
    for step in range(2):                                    # a search, then tracking
        points = shoot(OBJECTS, step)
        own, result = bare.process(points), other.process(moved(points))
        assert len(own.detections) == 2
        assert (result.tracked, result.states) == (own.tracked, own.states)
        for name, T in poses(own).items():
            assert poses(result)[name] == pytest.approx(T_CLOUD_SENSOR @ T, abs=1e-5)


def test_points_planes_covariances_and_other_poses_move_with_the_cloud(make_pipeline):
    points = shoot(OBJECTS)
    own, result = make_pipeline().process(points), make_pipeline().process(moved(points))
    somewhere = np.random.default_rng(0).normal(size=(50, 3))
    assert result.scene.plane.heights(transform(T_CLOUD_SENSOR, somewhere)) \
        == pytest.approx(own.scene.plane.heights(somewhere), abs=1e-9)
    for mine, found in zip(own.detections, result.detections):
        np.testing.assert_allclose(found.segment.points, transform(
            T_CLOUD_SENSOR, mine.segment.points), atol=1e-6)
        assert found.covariance() == pytest.approx(mine.covariance(T_CLOUD_SENSOR), rel=1e-3,
                                                   abs=1e-12)
        assert len(found.estimate.runners_up) == len(mine.estimate.runners_up)
        for before, after in zip(mine.estimate.runners_up, found.estimate.runners_up):
            assert after.T_observation_reference == pytest.approx(
                T_CLOUD_SENSOR @ before.T_observation_reference, abs=1e-5)


def test_references_from_a_view_and_their_renewal_do_not_depend_on_the_frame(make_pipeline):
    first, second = shoot(OBJECTS, 0), shoot(OBJECTS, 1)
    bare, other = make_pipeline([]), make_pipeline([])
    own = bare.references_from_view(first)
    for mine, found in zip(own, other.references_from_view(moved(first)), strict=True):
        assert found.diameter_m == pytest.approx(mine.diameter_m, abs=1e-6)
    bare.renew_references(bare.process(first))
    other.renew_references(other.process(moved(first)))
    before, after = poses(bare.process(second)), poses(other.process(moved(second)))
    assert before.keys() == after.keys()
    assert len(before) == 2
    for name, T in before.items():
        assert after[name] == pytest.approx(T_CLOUD_SENSOR @ T, abs=1e-4)


def test_a_cloud_in_another_frame_is_warned_of_unless_its_sensor_is_known(make_pipeline):
    points = shoot(OBJECTS)
    known, unknown = moved(points), PointCloud(points=moved(points).points)
    assert make_pipeline().process(points).warnings == ()
    assert make_pipeline().process(known).warnings == ()
    assert 'cannot come from a sensor' in make_pipeline().process(unknown).warnings[0]


def test_recorded_clouds_are_placed_by_a_viewpoint_and_tracked(make_pipeline):
    T = looking_at(np.array([0.1, -0.5, 1.2]), np.array([0.1, 0.2, 0.2]))
    sequence, bare = FrameSequence(make_pipeline(), tuple(T[:3, 3])), make_pipeline()
    for step in range(2):
        points = shoot(OBJECTS, step)
        expected = {(found.label, found.index): T @ found.estimate.T_observation_reference
                    for found in bare.process(points, step / 5).detections}
        record = sequence.process(RecordedCloud(
            stamp_ns=step * 200_000_000, frame_id='base_link', refused=None,
            cloud=PointCloud(points=transform(T, points).astype(np.float32))))
        assert (record['warnings'], len(record['objects'])) == ([], 2)
        for item in record['objects']:
            assert item['tracked'] == bool(step)
            assert item['T_camera_object'][:3, 3] == pytest.approx(
                expected[item['label'], item['index']][:3, 3], abs=0.002)


def test_a_position_alone_gives_the_same_objects_to_within_the_noise(make_pipeline):
    points = shoot(OBJECTS)
    own = make_pipeline().process(points)
    T_up = inverse(pose([[0, -1, 0], [0, 0, -1], [1, 0, 0]], (0.2, 0.1, 1.3)))
    cloud = PointCloud.seen_from(transform(T_up, points).astype(np.float32), T_up[:3, 3])
    found = poses(make_pipeline().process(cloud))
    for name, T in poses(own).items():
        assert found[name][:3, 3] == pytest.approx((T_up @ T)[:3, 3], abs=0.002)


def test_rejected_segments_move_with_the_cloud(estimator, reference):
    def rejected(cloud):
        pipeline = FramePipeline(estimator=estimator, segmenter=SegmenterConfig(),
                                 references=[reference('drill'), reference('mug')],
                                 config=PipelineConfig(min_confidence=1.0))
        return pipeline.process(cloud).rejected
    points = shoot(OBJECTS)
    own, found = rejected(points), rejected(moved(points))
    assert len(own) == len(found) == 2
    for mine, other in zip(own, found):
        assert other.estimate.T_observation_reference == pytest.approx(
            T_CLOUD_SENSOR @ mine.estimate.T_observation_reference, abs=1e-5)
        np.testing.assert_allclose(other.segment.points, transform(
            T_CLOUD_SENSOR, mine.segment.points), atol=1e-6)
