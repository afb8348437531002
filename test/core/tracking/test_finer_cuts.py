"""What no pose explains is cut at weaker edges, and searched again."""

from dataclasses import replace
from types import SimpleNamespace

from helpers.scenes import FOCAL_PX, SHAPE, box, camera, see, table
from helpers.tracking import estimate
import numpy as np
import pytest

from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation import SegmenterConfig, segment_image
from pointpng_core.tracking.explained_points import Foreground
from pointpng_core.tracking.finer_cuts import cut_finer
from pointpng_core.tracking.frame import Frame
from pointpng_core.tracking.frame_explanation import FrameExplanation
from pointpng_core.tracking.measurement import Measurement

CONFIG, NOISE = SegmenterConfig(bend_span_rad=4 / FOCAL_PX), DepthNoise()


class Explained(FrameExplanation):
    """A foreground of which measurements with a pose explain their own segments."""

    def __init__(self, frame, rows):
        super().__init__(None, [], frame.scene_points, Foreground(
            points=frame.points[rows], indices=rows, sigma_m=frame.sigma_m[rows]), judge=None)

    def _on_pose(self, measurement, **_):
        return measurement.segment


@pytest.fixture(scope='module')
def scene():
    """Two slabs that meet in an edge that the usual cut does not see: the frame and its scene."""
    vertices, triangles = box((0.12, 0.1, 0.05), (0.03, 0.05, 0))
    vertices[:, 2] += np.tan(np.radians(30)) * np.clip(vertices[:, 1], 0, None)
    points, _ = see([table(), box((0.12, 0.1, 0.05), (0, -0.05, 0)), (vertices, triangles)],
                    camera(0.6, 80), noise=0.0003)
    frame = Frame.of(PointCloud(points=points, image_shape=SHAPE), NOISE)
    return frame, segment_image(points, SHAPE, config=CONFIG, depth_noise=NOISE)


@pytest.fixture(scope='module')
def frame(scene):
    return scene[0]


@pytest.fixture(scope='module')
def segment(scene):
    found, = scene[1].segments
    return found


def cut(measurements, frame, segment, max_parts=8, config=CONFIG, largest_m=0.3):
    """The parts of a foreground of one segment, and what was searched."""
    searched = []

    def search(segments):
        searched.extend(segments)
        return [[estimate(np.eye(4), 0.7)]] + [[] for _ in segments[1:]] if segments else []
    return cut_finer(measurements, Explained(frame, segment.indices), frame, search,
                     segmenter=config, max_parts=max_parts, largest_m=largest_m), searched


def posed(confidence):
    return replace(estimate(np.eye(4), 0.7), confidence=confidence)


@pytest.mark.parametrize('found', [None, posed(0.3)], ids=['no pose', 'a doubtful pose'])
def test_a_doubtful_segment_is_cut_and_its_parts_are_searched(frame, segment, found):
    known = [Measurement(segment=segment, estimate=found, searched=True)]
    parts, searched = cut(known, frame, segment)
    assert len(parts) == 2
    assert [part.segment for part in parts] == searched
    assert all(part.searched and part.track is None for part in parts)
    assert [part.score for part in parts] == [0.7, 0.0]
    used = np.concatenate([part.segment.indices for part in parts])
    assert len(np.unique(used)) == len(used)
    assert np.isin(used, segment.indices).all()


def test_what_sure_or_tracked_poses_explain_is_not_cut(frame, segment):
    for known in (Measurement(segment=segment, estimate=posed(0.6), searched=True),
                  Measurement(segment=segment, estimate=posed(0.3), track=SimpleNamespace()),
                  Measurement(segment=segment, estimate=posed(0.3))):
        assert cut([known], frame, segment) == ([], [])


def test_what_is_in_no_segment_is_cut_too(frame, segment):
    """First at the usual edges, then at weaker ones."""
    usual, *weak = (each.segment for each in cut([], frame, segment)[0])
    assert np.array_equal(usual.indices, segment.indices)
    expected, _ = cut([Measurement(segment=segment, searched=True)], frame, segment)
    for found, known in zip(weak, expected, strict=True):
        assert np.array_equal(found.indices, known.segment.indices)


def test_a_sure_pose_leaves_what_it_does_not_explain(frame, segment):
    """As where an object and a larger neighbour are one segment, and the neighbour is found."""
    whole = Measurement(segment=segment, searched=True)
    first, second = (each.segment for each in cut([whole], frame, segment)[0])
    found = Measurement(segment=first, estimate=posed(0.6), searched=True)
    rest, = cut([whole, found], frame, segment)[0]
    assert np.isin(rest.segment.indices, second.indices).mean() > 0.9
    assert len(rest.segment.indices) > 0.9 * len(second.indices)


def test_parts_larger_than_every_object_are_not_searched(frame, segment):
    whole = [Measurement(segment=segment, searched=True)]
    sizes = [np.ptp(each.segment.points, axis=0).max()
             for each in cut(whole, frame, segment)[0]]
    assert abs(sizes[0] - sizes[1]) > 0.001
    for largest_m, count in ((np.mean(sizes), 1), (0.5 * min(sizes), 0)):
        parts, searched = cut(whole, frame, segment, largest_m=largest_m)
        assert len(parts) == len(searched) == count


def test_clouds_without_an_image_are_not_cut(frame, segment):
    doubtful = [Measurement(segment=segment, searched=True)]
    assert cut(doubtful, replace(frame, image_shape=None), segment) == ([], [])


def test_without_splitting_nothing_is_cut(frame, segment):
    doubtful = [Measurement(segment=segment, searched=True)]
    assert cut(doubtful, frame, segment, config=replace(CONFIG, split=False)) == ([], [])


def test_parts_that_are_as_before_are_not_searched_again(frame, segment):
    whole = Measurement(segment=segment, searched=True)
    parts, _ = cut([whole], frame, segment)
    known = [whole, *(replace(part, estimate=None) for part in parts)]
    again, searched = cut(known, frame, segment)
    assert (again, searched) == ([], [])


def test_at_most_so_many_parts_are_searched_the_largest(frame, segment):
    whole = [Measurement(segment=segment, searched=True)]
    parts, searched = cut(whole, frame, segment, max_parts=1)
    assert len(parts) == len(searched) == 1
    assert len(searched[0].indices) > 0.4 * len(segment.indices)
