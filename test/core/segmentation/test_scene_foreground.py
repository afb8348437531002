"""The foreground: all rows that may belong to objects, in segments or not."""

from functools import partial

from helpers.scenes import FOCAL_PX, SHAPE, box, camera, cylinder, see, table
import numpy as np
import pytest

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation import SegmenterConfig, segment_image, segment_scene

CONFIG = SegmenterConfig(bend_span_rad=4 / FOCAL_PX)
CAMERA = camera()
MUG, LONG, TINY = (cylinder(0.04, 0.1, (0, 0.15, 0)), box((0.3, 0.04, 0.1), (0, -0.2, 0)),
                   box((0.015, 0.015, 0.015), (0.1, 0.0, 0)))
"""The third one is too small to be a segment."""


@pytest.fixture(scope='module')
def shot():
    """Points (H * W, 3) with some readings lost, and the mesh of each; 0 is the table."""
    points, hit = see([table(), MUG, LONG, TINY], CAMERA, seed=1)
    points[::97] = np.nan
    return points, hit


@pytest.fixture(params=['voxels', 'image'])
def cut(request):
    """One of the two ways to cut a cloud, as a function of points."""
    way = segment_scene if request.param == 'voxels' else partial(segment_image,
                                                                  image_shape=SHAPE)
    return partial(way, config=CONFIG, depth_noise=DepthNoise())


def test_the_foreground_holds_the_objects_small_ones_too_and_not_the_table(cut, shot):
    points, hit = shot
    foreground = cut(points).foreground
    inside = np.zeros(len(points), dtype=bool)
    inside[foreground] = True
    finite = np.isfinite(points).all(axis=1)
    for mesh in (1, 2, 3):
        high = finite & (hit == mesh) & above(points, 0.01)
        assert high.any()
        assert inside[high].mean() > 0.97
    assert inside[finite & (hit == 0)].mean() < 0.03
    assert not inside[~finite].any()


def above(points, height_m):
    """Which points are higher over the table."""
    with np.errstate(invalid='ignore'):
        return points @ CAMERA[2, :3] + CAMERA[2, 3] > height_m


def test_the_foreground_is_ascending_and_holds_all_segments(cut, shot):
    scene = cut(shot[0])
    assert (np.diff(scene.foreground) > 0).all()
    rows = np.concatenate([segment.indices for segment in scene.segments])
    assert len(np.unique(rows)) == len(rows) < len(scene.foreground)
    assert np.isin(rows, scene.foreground).all()
    assert {np.bincount(shot[1][segment.indices] + 1).argmax() - 1
            for segment in scene.segments} == {1, 2}


def test_the_foreground_stays_when_a_scene_is_moved(cut, shot):
    scene = cut(shot[0])
    np.testing.assert_array_equal(scene.moved(CAMERA).foreground, scene.foreground)


def test_a_bare_table_has_hardly_any_foreground(cut):
    points, _ = see([table()], CAMERA, seed=2)
    scene = cut(points)
    assert scene.segments == ()
    assert len(scene.foreground) < 0.01 * len(points)
