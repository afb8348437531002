"""The pipeline on depth images: pixels judge, and what is no image is judged without them."""

from dataclasses import replace
from functools import partial

from helpers.objects import CAMERA, apart_deg
from helpers.tracking import T_CAMERA_WORLD, shoot, standing
import numpy as np
import pytest

from pointpng_core.estimation.pixels import PixelJudge, PixelRanking
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.reference.batch import ReferenceMemo
from pointpng_core.timing import StageTimer
from pointpng_core.tracking.frame import Frame
from pointpng_core.tracking.frame_search import FrameSearch
from pointpng_core.tracking.measurement import Measurement
from pointpng_core.tracking.pose_selection import with_alternatives

SHAPE = CAMERA.height, CAMERA.width
NAMES = ('mug', 'drill')
PLACED = [standing('mug', -0.15, 0.0, -60), standing('drill', 0.15, 0.05, 70)]
TRUE = {name: T_CAMERA_WORLD @ T for name, T in PLACED}


@pytest.fixture(scope='module')
def points():
    return shoot(PLACED)


@pytest.fixture(scope='module')
def cloud(points):
    return PointCloud(points=points, image_shape=SHAPE)


@pytest.fixture(scope='module')
def permuted(points):
    """The same points as if they were an image, in an order that no camera gives."""
    return PointCloud(points=np.random.default_rng(0).permutation(points), image_shape=SHAPE)


def assert_all_found(result):
    assert {found.label for found in result.detections} == set(NAMES)
    for found in result.detections:
        T = found.estimate.T_observation_reference
        assert apart_deg(T, TRUE[found.label]) < 2.5
        assert np.linalg.norm(T[:3, 3] - TRUE[found.label][:3, 3]) < 0.006


def test_an_image_is_judged_by_pixels(make_pipeline, cloud):
    result = make_pipeline(*NAMES).process(cloud)
    assert_all_found(result)
    assert 'pixels' in result.stage_ms
    assert all(found.estimate.pixel_features is not None for found in result.detections)


def test_rows_in_another_order_give_the_same_objects_without_pixels(make_pipeline, permuted):
    result = make_pipeline(*NAMES).process(permuted)
    assert_all_found(result)
    assert 'pixels' not in result.stage_ms
    assert all(found.estimate.pixel_features is None for found in result.detections)


def test_an_order_without_a_shape_is_the_same_order(make_pipeline, permuted):
    with_shape, without = (make_pipeline(*NAMES).process(cloud) for cloud in (
        permuted, PointCloud(points=permuted.points)))
    for one, other in zip(with_shape.detections, without.detections, strict=True):
        assert one.label == other.label
        np.testing.assert_allclose(one.estimate.T_observation_reference,
                                   other.estimate.T_observation_reference, atol=1e-6)


def test_tracked_poses_are_judged_in_every_frame(make_pipeline, cloud):
    pipeline = make_pipeline(*NAMES, check_every=100)
    pipeline.process(cloud)
    later = pipeline.process(PointCloud(points=shoot(PLACED, 1), image_shape=SHAPE))
    assert_all_found(later)
    assert all(found.tracked for found in later.detections)
    assert all(found.estimate.pixel_features is not None for found in later.detections)


def test_tracks_of_other_references_are_dropped_by_a_pipeline_that_continues(make_pipeline, cloud):
    before, after = make_pipeline(*NAMES), make_pipeline('drill')
    before.process(cloud)
    after.continue_from(before)
    assert [track.label for track in after.tracks] == ['drill']
    found, = after.process(PointCloud(points=shoot(PLACED, 1), image_shape=SHAPE)).detections
    assert found.label == 'drill'
    assert found.tracked


# --- the parts -------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def search(estimator, reference, cloud):
    """A function from a cloud to the search in its frame."""
    references = [reference(name) for name in NAMES]
    ranking = PixelRanking(references, PixelJudge(references))

    def of(own):
        return FrameSearch(estimator, references, Frame.of(own, DepthNoise()), StageTimer(),
                           ranking)
    return of


def test_without_an_image_there_is_no_support(search, cloud, permuted):
    assert search(permuted).support is None
    assert search(PointCloud(points=cloud.points)).support is None
    assert search(cloud).support is not None


def test_measurements_without_a_pose_are_not_judged(make_pipeline, search, cloud, permuted):
    found = make_pipeline(*NAMES).process(cloud).detections[0]
    empty = Measurement(segment=found.segment, searched=True)
    full = Measurement(segment=found.segment, estimate=replace(found.estimate, confidence=0.0))
    kept, judged = search(cloud).judged([empty, full])
    assert kept is empty
    assert judged.posed.confidence == pytest.approx(found.estimate.confidence, abs=0.05)
    assert search(permuted).judged([empty, full]) == [empty, full]
    assert search(cloud).judged([empty]) == [empty]


def test_a_search_of_nothing_finds_nothing(search, cloud):
    assert search(cloud)([]) == []


def test_rankings_are_made_anew_for_other_references_only(estimator, reference):
    memo = ReferenceMemo(partial(PixelRanking.of, device=estimator.device))
    mug, drill = reference('mug'), reference('drill')
    first = memo.of([mug, drill])
    assert memo.of((mug, drill)) is first
    assert memo.of([mug]) is not first
    assert memo.of([drill, mug]) is not first


def test_until_a_tracked_pose_is_judged_the_pixels_of_the_searched_one_stand_for_it(
        make_pipeline, cloud):
    searched = make_pipeline('mug').process(cloud).detections[0].estimate
    tracked = replace(searched, pixel_features=None, confidence=0.0)
    joined = with_alternatives(tracked, searched)
    np.testing.assert_array_equal(joined.pixel_features, searched.pixel_features)
    assert joined.confidence == pytest.approx(searched.confidence, abs=1e-6)
    bare = with_alternatives(tracked, replace(searched, pixel_features=None))
    assert bare.pixel_features is None
