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
from pointpng_core.tracking.finer_cuts import cut_finer
from pointpng_core.tracking.frame import Frame
from pointpng_core.tracking.measurement import Measurement

CONFIG, NOISE = SegmenterConfig(bend_span_rad=4 / FOCAL_PX), DepthNoise()


@pytest.fixture(scope='module')
def frame():
    """Two slabs that meet in an edge that the usual cut does not see."""
    vertices, triangles = box((0.12, 0.1, 0.05), (0.03, 0.05, 0))
    vertices[:, 2] += np.tan(np.radians(30)) * np.clip(vertices[:, 1], 0, None)
    points, _ = see([table(), box((0.12, 0.1, 0.05), (0, -0.05, 0)), (vertices, triangles)],
                    camera(0.6, 80), noise=0.0003)
    return Frame.of(PointCloud(points=points, image_shape=SHAPE), NOISE)


@pytest.fixture(scope='module')
def segment(frame):
    found, = segment_image(frame.points, SHAPE, config=CONFIG, depth_noise=NOISE).segments
    return found


def cut(measurements, frame, max_parts=8, config=CONFIG):
    searched = []

    def search(segments):
        searched.extend(segments)
        return [[estimate(np.eye(4), 0.7)]] + [[] for _ in segments[1:]] if segments else []
    return cut_finer(measurements, frame, search, segmenter=config, max_parts=max_parts), searched


def posed(confidence):
    return replace(estimate(np.eye(4), 0.7), confidence=confidence)


@pytest.mark.parametrize('found', [None, posed(0.3)], ids=['no pose', 'a doubtful pose'])
def test_a_doubtful_segment_is_cut_and_its_parts_are_searched(frame, segment, found):
    parts, searched = cut([Measurement(segment=segment, estimate=found, searched=True)], frame)
    assert len(parts) == 2
    assert [part.segment for part in parts] == searched
    assert all(part.searched and part.track is None for part in parts)
    assert [part.score for part in parts] == [0.7, 0.0]
    used = np.concatenate([part.segment.indices for part in parts])
    assert len(np.unique(used)) == len(used)
    assert np.isin(used, segment.indices).all()


def test_sure_tracked_and_unsearched_segments_are_not_cut(frame, segment):
    track = SimpleNamespace()
    for known in (Measurement(segment=segment, estimate=posed(0.6), searched=True),
                  Measurement(segment=segment, track=track, searched=True),
                  Measurement(segment=segment)):
        assert cut([known], frame) == ([], [])


def test_clouds_without_an_image_are_not_cut(frame, segment):
    doubtful = [Measurement(segment=segment, searched=True)]
    assert cut(doubtful, replace(frame, image_shape=None)) == ([], [])


def test_without_splitting_nothing_is_cut(frame, segment):
    doubtful = [Measurement(segment=segment, searched=True)]
    assert cut(doubtful, frame, config=replace(CONFIG, split=False)) == ([], [])


def test_parts_that_are_as_before_are_not_searched_again(frame, segment):
    whole = Measurement(segment=segment, searched=True)
    parts, _ = cut([whole], frame)
    again, searched = cut([whole, *(replace(part, estimate=None) for part in parts)], frame)
    assert (again, searched) == ([], [])


def test_at_most_so_many_parts_are_searched_the_largest(frame, segment):
    parts, searched = cut([Measurement(segment=segment, searched=True)], frame, max_parts=1)
    assert len(parts) == len(searched) == 1
    assert len(searched[0].indices) > 0.4 * len(segment.indices)
