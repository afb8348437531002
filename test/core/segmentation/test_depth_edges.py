"""Depth edges: planes are flat at any slant, concave bends are found in place, noise is not."""

import numpy as np
import pytest

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.segmentation.depth_edges import SmoothedDepth, shifted

NOISE = DepthNoise()
SHAPE, FOCAL_PX, SPAN_PX = (60, 80), 285.0, 4
CONFIG = SegmenterConfig(bend_span_rad=SPAN_PX / FOCAL_PX)
ROWS, COLUMNS = np.mgrid[:SHAPE[0], :SHAPE[1]]
RAYS = np.stack([(COLUMNS - 39.5) / FOCAL_PX, (ROWS - 29.5) / FOCAL_PX, np.ones(SHAPE)], axis=-1)
LAST = SPAN_PX + 2


def plane(normal, point=(0.0, 0.0, 0.65)):
    """Depths of a plane through a point, metres."""
    return np.dot(normal, point) / (RAYS @ normal)


def smoothed(depth_m, span_px=SPAN_PX):
    return SmoothedDepth.of(depth_m, focal_px=FOCAL_PX, depth_noise=NOISE,
                            config=SegmenterConfig(bend_span_rad=span_px / FOCAL_PX))


def bent(side_deg):
    """A vertical edge in the middle column: both sides come forward (concave) or recede."""
    slope = np.tan(np.radians(side_deg))
    return np.maximum(plane((slope, 0, -1)), plane((-slope, 0, -1))) if side_deg < 0 \
        else np.minimum(plane((slope, 0, -1)), plane((-slope, 0, -1)))


@pytest.mark.parametrize('normal', [(0, 0, -1), (0.8, 0.2, -1), (-1.5, 0.6, -1), (0, 2.5, -1)])
def test_a_plane_has_no_bend_however_slanted(normal):
    for span_px in (1, 4, 9):
        bend_m = smoothed(plane(np.array(normal, float)), span_px).bend_m
        inside = bend_m[2 + span_px:-2 - span_px, 2 + span_px:-2 - span_px]
        # The gate of the smoothing lets the same number of pixels in on either side.
        assert np.abs(inside).max() < 1e-9


def test_a_plane_in_depth_instead_would_be_bent():
    """What the use of inverse depth is for: the second difference of depth is not zero."""
    depth_m = plane(np.array([-1.5, 0.6, -1]))
    second = (depth_m[:, 8:] + depth_m[:, :-8]) / 2 - depth_m[:, 4:-4]
    assert np.abs(second).max() > 1e-4


def test_a_concave_bend_is_found_at_its_place_and_a_convex_one_is_not():
    concave, convex = bent(-35.0), bent(35.0)
    if concave[30, 39] < concave[30, 0]:
        concave, convex = convex, concave
    for depth_m in (concave, concave.T.copy()):
        kept = smoothed(depth_m).surfaces(CONFIG)
        cut = kept if depth_m is concave else kept.T
        columns = np.flatnonzero(~cut[LAST:-LAST].all(axis=0))
        assert len(columns)
        assert np.abs(columns - 39.5).max() < SPAN_PX
        assert not cut[LAST:-LAST, 39:41].any()
    assert smoothed(convex).surfaces(CONFIG).all()


def test_the_deepest_bend_lies_on_the_edge_and_has_the_depth_of_the_wedge():
    depth_m = bent(-35.0)
    depth_m = depth_m if depth_m[30, 39] > depth_m[30, 0] else bent(35.0)
    bend_m = smoothed(depth_m).bend_m
    assert abs(np.nanargmax(bend_m[30]) - 39.5) <= 1
    # Without smoothing: the mean of the surfaces a span away lies so far before the edge.
    span = SPAN_PX * 0.65 / FOCAL_PX
    assert np.nanmax(bend_m[30]) == pytest.approx(span * np.tan(np.radians(35)), rel=0.4)


def test_a_bend_is_measured_over_the_same_length_at_any_resolution():
    """A wedge in images of one field of view; the smoothing is over as many pixels at most."""
    depths, config = [], SegmenterConfig()
    for scale, span_px in ((1, 4), (2, 2), (4, 1)):
        columns = (np.arange(160 // scale) - 80 / scale + 0.5) * scale / 575.0
        depth_m = np.broadcast_to(0.6 / (1 + 0.8 * np.abs(columns)), (40, len(columns)))
        found = SmoothedDepth.of(depth_m, focal_px=575.0 / scale, config=config,
                                 depth_noise=NOISE)
        assert found.span_px == span_px
        depths.append(np.nanmax(found.bend_m[20]))
    assert depths[1] == pytest.approx(depths[0], rel=0.15)
    # No wider in an image that was scaled up.
    large = np.full((40, 40), 0.6)
    assert SmoothedDepth.of(large, focal_px=1150.0, config=config, depth_noise=NOISE).span_px == 4
    # A span of one pixel has no smaller smoothing.
    assert 0.2 * depths[0] < depths[2] < depths[0]


def test_noise_alone_cuts_hardly_any_pixel():
    rng = np.random.default_rng(0)
    for normal in ((0, 0, -1), (0.7, 0.4, -1)):
        depth_m = plane(np.array(normal, float)) + rng.normal(size=SHAPE) * 0.0013
        kept = smoothed(depth_m).surfaces(CONFIG)
        assert (~kept).mean() < 0.01


def test_holes_of_one_pixel_are_filled_and_larger_ones_stay():
    depth_m = plane(np.array([0.5, 0.2, -1]))
    holed = depth_m.copy()
    holed[20, 20] = holed[40, 60] = np.nan
    holed[10:13, 50:53] = np.nan
    filled = smoothed(holed).depth_m
    assert np.isfinite(filled[[20, 40], [20, 60]]).all()
    assert np.abs(filled - depth_m)[[20, 40], [20, 60]].max() < 1e-4
    assert np.isnan(filled[10:13, 50:53]).sum() >= 9 - 4
    assert np.isnan(filled[11, 51])
    assert np.isfinite(filled).sum() >= filled.size - 9


def test_a_hole_between_two_surfaces_is_not_filled():
    depth_m = np.where(COLUMNS < 40, 0.6, 0.8)
    depth_m[30, 40] = np.nan
    assert np.isnan(smoothed(depth_m).depth_m[30, 40])


@pytest.mark.parametrize('jump_m', [0.02, 0.1, 0.5])
def test_smoothing_never_mixes_two_surfaces_across_a_jump(jump_m):
    rng = np.random.default_rng(1)
    left = 0.6 + rng.normal(size=SHAPE) * 0.001
    right = 0.6 + jump_m + rng.normal(size=SHAPE) * 0.001
    mixed = smoothed(np.where(COLUMNS < 40, left, right)).depth_m
    changed = smoothed(np.where(COLUMNS < 40, left, right + 0.05)).depth_m
    assert np.array_equal(mixed[:, :40], changed[:, :40])
    assert mixed[:, :40].max() < left.max() + 1e-6
    assert mixed[:, 40:].min() > right.min() - 1e-6


def test_smoothing_is_the_gated_mean_of_rows_then_columns():
    """The naive twin, pixel by pixel."""
    rng = np.random.default_rng(2)
    depth_m = np.where(rng.random((12, 15)) < 0.1, 0.7, 0.6) + rng.normal(size=(12, 15)) * 0.002
    inverse = 1 / depth_m
    gate = 3 * NOISE.sigma_m(depth_m).astype(np.float32) * inverse ** 2
    for axis in (0, 1):
        inverse = naive_mean(inverse, gate, axis)
    assert np.allclose(smoothed(depth_m).depth_m, 1 / inverse, atol=1e-12)


def naive_mean(image, gate, axis):
    result = np.empty_like(image)
    for row, column in np.ndindex(*image.shape):
        own = [image[row, column]]
        for step in (-2, -1, 1, 2):
            r, c = (row + step, column) if axis == 0 else (row, column + step)
            if 0 <= r < image.shape[0] and 0 <= c < image.shape[1] \
                    and abs(image[r, c] - image[row, column]) < gate[row, column]:
                own.append(image[r, c])
        result[row, column] = np.mean(own)
    return result


@pytest.mark.parametrize(('rows', 'columns'), [(0, 0), (2, 0), (-2, 1), (0, -3), (5, 0)])
def test_a_shifted_image_has_the_pixels_of_the_other_place(rows, columns):
    image = np.arange(20.0).reshape(4, 5)
    moved = shifted(image, rows, columns, blank=-1)
    for r, c in np.ndindex(4, 5):
        inside = 0 <= r + rows < 4 and 0 <= c + columns < 5
        assert moved[r, c] == (image[r + rows, c + columns] if inside else -1)
