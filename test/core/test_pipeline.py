"""Whole frames: simulated tables with true poses, and the rules with a stub of the estimator."""

from types import SimpleNamespace

from helpers.objects import pose
import numpy as np
import pytest

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig

NAMES = ('drill', 'bracket', 'can', 'can')


@pytest.fixture(scope='module')
def frame():
    world = TabletopWorld(NAMES, config=WorldConfig(seed=3, gap_m=0.06, lying_share=0.0))
    return DepthSimulator(world).frame(0, rate_hz=5)


@pytest.fixture(scope='module')
def pipeline(estimator, reference):
    return FramePipeline(estimator=estimator, segmenter=SegmenterConfig(),
                         references=[reference(name) for name in ('drill', 'bracket', 'can')],
                         config=PipelineConfig())


@pytest.fixture(scope='module')
def result(pipeline, frame):
    return pipeline.process(frame.points.reshape(-1, 3))


def errors(estimate, truth):
    """Degrees and metres, symmetry-aware."""
    symmetry = make_object(truth.label).symmetry
    T, T_true = estimate.T_observation_reference, truth.T_camera_object
    return (np.degrees(symmetry.rotation_error_rad(T[:3, :3], T_true[:3, :3])),
            symmetry.translation_error_m(T, T_true))


def test_every_object_of_a_simulated_table_is_named_and_posed(frame, result):
    truths = frame.in_view(0.5)
    assert len(truths) == 4
    assert len(result.detections) == 4
    for truth in truths:
        near = [errors(found.estimate, truth) for found in result.detections
                if found.label == truth.label]
        assert any(degrees < 5 and metres < 0.005 for degrees, metres in near)


def test_detections_are_numbered_by_label_best_first(result):
    assert sorted(found.child_frame for found in result.detections) \
        == ['bracket_0', 'can_0', 'can_1', 'drill_0']
    scores = [found.estimate.score for found in result.detections]
    assert scores == sorted(scores, reverse=True)
    cans = [found for found in result.detections if found.label == 'can']
    assert [can.index for can in cans] == [0, 1]
    assert all(found.label == found.estimate.name for found in result.detections)


def test_detections_contain_the_points_of_their_objects(frame, result):
    points = frame.points.reshape(-1, 3)
    taken = np.concatenate([found.segment.indices for found in result.detections])
    assert len(taken) == len(np.unique(taken))
    for found in result.detections:
        assert np.array_equal(points[found.segment.indices], found.segment.points)
        owners = frame.owner.reshape(-1)[found.segment.indices]
        assert np.bincount(owners[owners >= 0]).max() > 0.9 * len(owners)


def test_detections_have_covariances_and_other_poses(pipeline, result):
    T_target_cloud = pose([[0, -1, 0], [1, 0, 0], [0, 0, 1]], (3, 2, 1))
    for found in result.detections:
        assert found.reference in pipeline.references
        assert found.reference.name == found.label
        own, rotated = found.covariance(), found.covariance(T_target_cloud)
        assert 0 < np.sqrt(np.diag(own)[:3]).min() < 0.01
        assert np.diag(rotated) == pytest.approx(np.diag(own)[[1, 0, 2, 4, 3, 5]])
        assert rotated[0, 1] == pytest.approx(-own[0, 1])
        assert bool(found.other_poses) <= found.estimate.ambiguous
        centre_m, size_m = found.reference.box
        assert np.abs((found.reference.points - centre_m) / size_m).max(axis=0) \
            == pytest.approx([0.5, 0.5, 0.5], abs=1e-4)


def test_all_stages_are_timed(result):
    assert {'total', 'sensor', 'scene', 'search', 'coarse', 'fine', 'refine', 'refit'} \
        <= set(result.stage_ms)
    assert all(spent >= 0 for spent in result.stage_ms.values())
    apart = ('sensor', 'scene', 'track', 'refit', 'observability')
    assert sum(result.stage_ms[stage] for stage in apart) <= result.stage_ms['total']
    assert result.scene.plane is not None


def test_the_same_frame_gives_the_same_result(pipeline, frame, result):
    pipeline.reset()
    again = pipeline.process(frame.points.reshape(-1, 3).copy())
    assert [found.child_frame for found in again.detections] \
        == [found.child_frame for found in result.detections]
    for a, b in zip(again.detections, result.detections):
        assert np.array_equal(a.estimate.T_observation_reference,
                              b.estimate.T_observation_reference)


def test_an_unorganised_cloud_without_its_holes_gives_the_same_objects(pipeline, frame, result):
    points = frame.points.reshape(-1, 3)
    pipeline.reset()
    bare = pipeline.process(points[np.isfinite(points).all(axis=1)].astype(np.float64))
    assert len(bare.detections) == len(result.detections)
    for found, truth in zip(sorted(bare.detections, key=lambda found: found.child_frame),
                            sorted(result.detections, key=lambda found: found.child_frame)):
        assert found.label == truth.label


def test_references_from_a_frame_are_found_in_it(pipeline, estimator, frame):
    references = pipeline.references_from_view(frame.points.reshape(-1, 3))
    assert [reference.name for reference in references] \
        == ['object_0', 'object_1', 'object_2', 'object_3']
    again = FramePipeline(estimator=estimator, references=references, segmenter=SegmenterConfig(),
                          config=PipelineConfig()).process(frame.points.reshape(-1, 3))
    own = {reference.name: reference.points for reference in references}
    for found in again.detections:
        if len(own[found.label]) == len(found.segment.points):
            T = found.estimate.T_observation_reference
            centroid = found.segment.points.mean(axis=0, dtype=np.float64)
            assert np.abs(T - pose(t=centroid)).max() < 0.02
    assert len({found.label for found in again.detections}) >= 3


@pytest.mark.parametrize('points', [np.zeros((0, 3), np.float32),
                                    np.full((1000, 3), np.nan, np.float32),
                                    np.zeros((1000, 3), np.float32)],
                         ids=['empty', 'all NaN', 'all zero'])
def test_frames_without_objects_have_no_detections(pipeline, points):
    result = pipeline.process(points)
    assert result.detections == ()
    assert result.stage_ms['total'] >= 0
    assert pipeline.references_from_view(points) == []


def test_frames_of_another_shape_are_refused(pipeline, frame):
    with pytest.raises(CloudError, match='image_shape'):
        pipeline.process(PointCloud(points=frame.points.reshape(-1, 3), image_shape=(10, 10)))
    with pytest.raises(CloudError, match='shape'):
        pipeline.process(frame.points)


# --- the rules, with given scores -----------------------------------------------------------


class StubEstimator:
    """Answers with given scores, records the calls."""

    config, device = EstimatorConfig(), 'cpu'

    def __init__(self, *scores):
        self.scores, self.calls = scores, []

    def with_depth_noise(self, depth_noise):
        return self

    def estimate_batch(self, observations, references, *, scene_points=None, **options):
        self.calls.append(SimpleNamespace(observations=observations, references=references,
                                          scene_points=scene_points))
        scores = self.scores if len(self.calls) == 1 else [0.0] * len(observations)
        return [[PoseEstimate(T_observation_reference=np.eye(4), score=score, residual_m=0.0,
                              inlier_share=score, confidence=score,
                              name=references[0].name, ambiguous=False,
                              stage_ms={'search': 1.0})] if score else []
                for score, _ in zip(scores, observations)]


def stub_reference(name):
    """A reference without a surface: no point of a frame lies on it."""
    return SimpleNamespace(diameter_m=0.3, name=name, centre=np.zeros(3),
                           box=(np.zeros(3), np.zeros(3)))


def stubbed(*scores, references=None, **options):
    stub = StubEstimator(*scores)
    references = [stub_reference('x')] if references is None else references
    return stub, FramePipeline(estimator=stub, references=references, segmenter=SegmenterConfig(),
                               config=PipelineConfig(**{'min_observability': 0.0, **options}))


def test_poses_below_the_least_confidence_are_not_accepted(frame):
    points = frame.points.reshape(-1, 3)
    for least, expected in ((0.5, 2), (0.3, 3), (0.95, 0), (0.6, 2)):
        _, pipeline = stubbed(0.6, 0.31, 0.9, 0.0, min_confidence=least, min_score=0.0,
                              sure_score=0.0)
        assert len(pipeline.process(points).detections) == expected
    _, pipeline = stubbed(0.6, 0.31, 0.9, 0.0, min_confidence=0.3, min_score=0.4, sure_score=0.0)
    assert len(pipeline.process(points).detections) == 2
    _, pipeline = stubbed(0.6, 0.31, 0.9, 0.0, min_confidence=0.5, sure_score=0.0)
    found = pipeline.process(points).detections
    assert [(each.child_frame, each.estimate.score) for each in found] == [('x_0', 0.9),
                                                                          ('x_1', 0.6)]


def test_what_is_not_accepted_is_rejected_best_score_first(frame):
    _, pipeline = stubbed(0.1, 0.31, 0.9, 0.0, min_confidence=0.5, sure_score=0.0)
    result = pipeline.process(frame.points.reshape(-1, 3))
    assert [each.estimate and each.estimate.score for each in result.rejected] \
        == [0.31, 0.1, None]
    assert len({each.segment.indices[0]
                for each in (*result.detections, *result.rejected)}) == 4


def test_only_the_largest_segments_are_posed(frame):
    stub, pipeline = stubbed(0.9, 0.9, 0.9, 0.9, max_objects=2)
    result = pipeline.process(frame.points.reshape(-1, 3))
    assert len(result.detections) == 2
    assert len(result.scene.segments) == 4
    posed = [len(cloud) for cloud in stub.calls[0].observations]
    assert posed == sorted((len(part.points) for part in result.scene.segments), reverse=True)[:2]


def test_the_scene_points_are_finite(frame):
    stub, pipeline = stubbed(0.9, 0.9, 0.9, 0.9)
    points = frame.points.reshape(-1, 3).copy()
    points[5] = [np.inf, 0, 1]
    pipeline.process(points)
    scene_points = stub.calls[0].scene_points
    assert np.isfinite(scene_points).all()
    assert len(scene_points) > 20_000
    assert np.ptp(scene_points[:, 0]) > 0.8


def test_without_references_the_estimator_is_not_asked(frame):
    stub, pipeline = stubbed(references=[])
    result = pipeline.process(frame.points.reshape(-1, 3))
    assert result.detections == ()
    assert len(result.scene.segments) == 4
    assert stub.calls == []


def test_references_can_be_replaced(frame):
    stub, pipeline = stubbed(0.9, 0.9, 0.9, 0.9, references=[])
    pipeline.set_references([stub_reference('new')])
    pipeline.process(frame.points.reshape(-1, 3))
    assert stub.calls[0].references[0].name == 'new'


def test_references_are_read_only():
    _, pipeline = stubbed()
    with pytest.raises(AttributeError):
        pipeline.references = []


def test_new_references_drop_the_tracks_or_keep_those_of_the_same_names(frame):
    points = frame.points.reshape(-1, 3)
    same, other = stub_reference('x'), stub_reference('other')
    for references, options, kept in (([same], {}, 0), ([same], {'keep_tracks': True}, 4),
                                      ([other, same], {'keep_tracks': True}, 4),
                                      ([other], {'keep_tracks': True}, 0)):
        _, pipeline = stubbed(0.9, 0.9, 0.9, 0.9)
        pipeline.process(points)
        assert len(pipeline.tracks) == 4
        pipeline.set_references(references, **options)
        assert pipeline.references == references
        assert len(pipeline.tracks) == kept
        assert all(track.reference is same for track in pipeline.tracks)


def test_a_pipeline_continues_from_another(frame):
    points = frame.points.reshape(-1, 3)
    _, first = stubbed(0.9, 0.9, 0.9, 0.9)
    first.process(points)
    known = list(first.tracks)
    _, second = stubbed(0.9, 0.9, 0.9, 0.9)
    second.continue_from(first)
    assert list(second.tracks) == known
    assert len(known) == 4
    with pytest.raises(AttributeError):
        second.tracks = first.tracks


def test_a_reset_drops_the_tracks_and_keeps_the_references(frame):
    _, pipeline = stubbed(0.9, 0.9, 0.9, 0.9)
    pipeline.process(frame.points.reshape(-1, 3))
    pipeline.reset()
    assert (len(pipeline.tracks), [each.name for each in pipeline.references]) == (0, ['x'])


def test_options_out_of_range_are_refused():
    with pytest.raises(ConfigError, match='min_confidence'):
        PipelineConfig(min_confidence=1.5)
