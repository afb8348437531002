"""Parts of images: a naive flood fill finds the same, growth keeps to the foreground."""

import numpy as np
import pytest

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.segmentation.depth_edges import SmoothedDepth
from pointpng_core.segmentation.image_parts import image_parts

NOISE = DepthNoise()
CONFIG = SegmenterConfig(min_segment_points=8)
UNBENT = SegmenterConfig(min_segment_points=8, min_bend_m=0.1)
"""Bends never cut: what separates parts is jumps alone."""


def blocks(seed, shape=(36, 48)):
    """Depths of random rectangles at several distances, with noise and holes, metres."""
    rng = np.random.default_rng(seed)
    depth_m = np.full(shape, 0.9)
    for _ in range(8):
        top, left = rng.integers(0, shape[0] - 10), rng.integers(0, shape[1] - 10)
        height, width = rng.integers(6, 20, 2)
        depth_m[top:top + height, left:left + width] = rng.uniform(0.5, 0.8)
    depth_m += rng.normal(size=shape) * 0.001
    depth_m[rng.random(shape) < 0.03] = np.nan
    return depth_m.astype(np.float32), rng.random(shape) < 0.9


def parts_of(depth_m, foreground, config=CONFIG):
    smoothed = SmoothedDepth.of(depth_m, focal_px=575.0, config=config, depth_noise=NOISE)
    return image_parts(smoothed, foreground, config=config)


def same_partition(first, second):
    """Whether two labellings differ by the names of the parts alone."""
    pairs = set(zip(first.ravel().tolist(), second.ravel().tolist()))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def flood_fill(depth_m, foreground, config):
    """The naive twin: cores filled pixel by pixel, without growth."""
    smooth = SmoothedDepth.of(depth_m, focal_px=575.0, config=config, depth_noise=NOISE)
    kept, depth = smooth.surfaces(config) & foreground, smooth.depth_m
    labels = np.full(depth.shape, -1)
    for start in zip(*np.nonzero(kept)):
        if labels[start] >= 0:
            continue
        labels[start], queue, members = start[0] * depth.shape[1] + start[1], [start], [start]
        while queue:
            r, c = queue.pop()
            for other in ((r, c + 1), (r, c - 1), (r + 1, c), (r - 1, c)):
                if 0 <= other[0] < depth.shape[0] and 0 <= other[1] < depth.shape[1] \
                        and kept[other] and labels[other] < 0:
                    # The allowed jump grows with the depth of the pixel at the right or below.
                    later = depth[max(other, (r, c))]
                    if abs(depth[other] - depth[r, c]) < config.jump_m * max(1, later / 0.6):
                        labels[other] = labels[start]
                        queue.append(other)
                        members.append(other)
        if len(members) < config.min_segment_points:
            for member in members:
                labels[member] = -2
    return np.where(labels < 0, -1, labels), kept


@pytest.mark.parametrize('config', [CONFIG, UNBENT], ids=['bends and jumps', 'jumps'])
@pytest.mark.parametrize('seed', range(4))
def test_a_naive_flood_fill_finds_the_same_cores(seed, config):
    depth_m, foreground = blocks(seed)
    expected, _ = flood_fill(depth_m, foreground, config)
    parts = parts_of(depth_m, foreground, config)
    core = expected >= 0
    assert len(np.unique(expected[core])) >= 2
    assert same_partition(parts[core], expected[core])


@pytest.mark.parametrize('seed', range(4))
def test_growth_joins_foreground_alone_and_the_neighbour_nearest_in_depth(seed):
    depth_m, foreground = blocks(seed)
    parts = parts_of(depth_m, foreground)
    core, _ = flood_fill(depth_m, foreground, CONFIG)
    grown = (parts >= 0) & (core < 0)
    assert grown.any()
    assert (parts[~foreground] == -1).all()
    assert (parts[grown & ~np.isfinite(depth_m)] == -1).all()
    smooth = SmoothedDepth.of(depth_m, focal_px=575.0, config=CONFIG, depth_noise=NOISE).depth_m
    depth = np.where(core >= 0, smooth, depth_m)
    for row, column in zip(*np.nonzero(grown)):
        gaps = [abs(depth[r, c] - depth[row, column]) for r, c in (
            (row, column + 1), (row, column - 1), (row + 1, column), (row - 1, column))
            if 0 <= r < parts.shape[0] and 0 <= c < parts.shape[1]
            and parts[r, c] == parts[row, column]]
        assert min(gaps) < 0.012


@pytest.mark.parametrize('seed', range(4))
def test_the_mirrored_image_has_the_mirrored_parts(seed):
    depth_m, foreground = blocks(seed)
    parts = parts_of(depth_m, foreground)
    for mirror in (np.s_[:, ::-1], np.s_[::-1]):
        other = parts_of(depth_m[mirror].copy(), foreground[mirror].copy())[mirror]
        assert same_partition(other, parts)


def test_a_part_does_not_depend_on_what_else_is_foreground():
    depth_m = np.where(np.arange(40) < 20, 0.6, 0.7) * np.ones((30, 1))
    left = np.arange(40) < 20
    everything, alone = (parts_of(depth_m.astype(np.float32), np.broadcast_to(mask, (30, 40)))
                         for mask in (np.ones(40, bool), left))
    assert len(np.unique(everything)) == 2
    assert (everything >= 0).all()
    assert same_partition(everything[:, :20], alone[:, :20])
    assert (alone[:, 20:] == -1).all()


def test_without_foreground_or_readings_there_are_no_parts():
    depth_m, foreground = blocks(0)
    assert (parts_of(depth_m, np.zeros_like(foreground)) == -1).all()
    assert (parts_of(np.full_like(depth_m, np.nan), foreground) == -1).all()


def test_parts_of_too_few_pixels_are_none():
    depth_m = np.full((20, 30), 0.6, np.float32)
    foreground = np.zeros((20, 30), bool)
    foreground[5:7, 5:8] = foreground[10:18, 10:25] = True
    parts = parts_of(depth_m, foreground)
    assert (parts[5:7, 5:8] == -1).all()
    assert len(np.unique(parts[10:18, 10:25])) == 1
    assert parts[12, 12] >= 0
