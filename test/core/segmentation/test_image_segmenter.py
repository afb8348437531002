"""Organised clouds are cut in the image: boxes that touch, masked frames, finer cuts."""

from helpers.scenes import FOCAL_PX, SHAPE, box, camera, see, table
import numpy as np
import pytest

from pointpng_core.evaluation.segmentation.benchmark import intersection_over_union
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation import (
    SegmenterConfig,
    segment_finer,
    segment_image,
    segment_scene,
    smoothed_image,
)

NOISE = DepthNoise()
CONFIG = SegmenterConfig(bend_span_rad=4 / FOCAL_PX)
"""Bends over as many pixels as by default in an image twice as large."""
LOW_AND_HIGH = (box((0.1, 0.1, 0.05), (-0.05, -0.06, 0)), box((0.06, 0.06, 0.12), (0.0, 0.02, 0)))
"""Two boxes that touch: the edge between them is shorter than `min_contact_m`."""


def parts_of(points, config=CONFIG):
    return segment_image(points, SHAPE, config=config, depth_noise=NOISE)


def overlaps(hit, segments, objects):
    return intersection_over_union(np.where(np.isin(hit, objects), hit, 0),
                                   [part.indices for part in segments])


def test_boxes_that_touch_are_two_parts_where_voxels_make_them_one():
    points, hit = see([table(), *LOW_AND_HIGH], camera(0.65, 45))
    voxels = segment_scene(points, config=CONFIG, depth_noise=NOISE).segments
    assert (overlaps(hit, voxels, [1, 2]).max(axis=1) < 0.75).any()
    image = parts_of(points).segments
    assert len(image) == 2
    assert overlaps(hit, image, [1, 2]).max(axis=1).min() > 0.85


def test_boxes_that_stand_apart_are_a_part_each():
    apart = (box((0.08, 0.06, 0.12), (-0.05, 0.15, 0), rotation_deg=20), box((0.12, 0.1, 0.06)),
             box((0.05, 0.05, 0.1), (0.05, -0.2, 0)))
    points, hit = see([table(), *apart], camera(0.8, 45))
    scene = parts_of(points)
    assert len(scene.segments) == 3
    assert overlaps(hit, scene.segments, [1, 2, 3]).max(axis=1).min() > 0.9
    assert scene.support.kind == 'one'


def test_parts_hold_their_own_rows_of_the_cloud_largest_first():
    points, _ = see([table(), *LOW_AND_HIGH], camera(0.65, 45))
    before = points.copy()
    scene = parts_of(points)
    np.testing.assert_array_equal(points, before)
    used = np.concatenate([part.indices for part in scene.segments])
    assert len(np.unique(used)) == len(used)
    sizes = [len(part.indices) for part in scene.segments]
    assert sizes == sorted(sizes, reverse=True)
    for part in scene.segments:
        assert (np.diff(part.indices) > 0).all()
        assert (part.points.dtype, part.indices.dtype) == (np.float32, np.int64)
        np.testing.assert_array_equal(part.points, points[part.indices])
    assert set(scene.stage_ms) == {'table', 'above', 'parts', 'gather', 'total'}


def test_a_masked_image_has_the_parts_of_the_mask_alone():
    points, hit = see([table(), *LOW_AND_HIGH], camera(0.65, 45))
    points[~np.isin(hit, [1, 2])] = np.nan
    scene = parts_of(points)
    assert overlaps(hit, scene.segments, [1, 2]).max(axis=1).min() > 0.85
    points[hit == 2] = np.nan
    assert {int(owner) for part in parts_of(points).segments for owner in hit[part.indices]} == {1}


@pytest.mark.parametrize('what', ['an empty table', 'nothing', 'all at the origin'])
def test_without_foreground_there_are_no_parts(what):
    points, _ = see([table()], camera())
    if what != 'an empty table':
        points[:] = np.nan if what == 'nothing' else 0.0
    assert parts_of(points).segments == ()


def finer_parts_of(points, rows):
    smoothed = smoothed_image(points, SHAPE, config=CONFIG, depth_noise=NOISE)
    return segment_finer(points, smoothed, rows, share=0.4, config=CONFIG)


def gently_bent(angle_deg=30.0):
    """Two slabs, one tilted against the other: an edge too weak for the usual cut."""
    low, high = box((0.12, 0.1, 0.05), (0, -0.05, 0)), box((0.12, 0.1, 0.05), (0.03, 0.05, 0))
    vertices, triangles = high
    vertices = vertices.copy()
    vertices[:, 2] += np.tan(np.radians(angle_deg)) * np.clip(vertices[:, 1], 0, None)
    return low, (vertices, triangles)


def test_a_finer_cut_finds_the_edge_between_what_was_one_part():
    points, hit = see([table(), *gently_bent()], camera(0.6, 80), noise=0.0003)
    scene = parts_of(points)
    assert len(scene.segments) == 1
    rows = scene.segments[0].indices
    finer = finer_parts_of(points, rows)
    assert overlaps(hit, finer, [1, 2]).max(axis=1).min() > 0.9
    used = np.concatenate([part.indices for part in finer])
    assert np.isin(used, rows).all()
    assert len(np.unique(used)) == len(used)
    for part in finer:
        np.testing.assert_array_equal(part.points, points[part.indices])


def test_a_finer_cut_of_no_rows_has_no_parts():
    points, _ = see([table(), *LOW_AND_HIGH], camera(0.65, 45))
    assert finer_parts_of(points, np.zeros(0, np.int64)) == ()
