"""Cuts in the image of an organised cloud: of what no pose explains, or of the foreground."""

from dataclasses import replace

import numpy as np

from pointpng_core.geometry.clouds.focal_length import focal_length_px
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.depth_edges import SmoothedDepth
from pointpng_core.segmentation.foreground import foreground_rows, ground_below
from pointpng_core.segmentation.image_parts import image_parts
from pointpng_core.segmentation.object_groups import objects_only, segments_of
from pointpng_core.segmentation.scene import Scene, Segment
from pointpng_core.segmentation.supports import find_supports
from pointpng_core.timing import StageTimer

_FILTER_STEP = 4
"""Every so many points of a part suffice to measure its size and place."""


def segment_image(points: np.ndarray, image_shape: tuple[int, int], *, config: SegmenterConfig,
                  depth_noise: DepthNoise) -> Scene:
    """Return the parts of what stands on the supports of an organised cloud.

    `points` (H * W, 3) are in metres in the camera frame, non-finite where there is no reading;
    `image_shape` is (H, W). A part is at most one object, but an object may have several: those
    before and behind an occluder, a body and its handle. Recognition unites them. `FramePipeline`
    begins so with `SegmenterConfig.method` 'image' only; by default it begins with
    `segment_scene`, and cuts what no pose explains by `segment_finer`.

    The stages are table, above, parts, gather and total.
    """
    timer = StageTimer()
    with timer('total'):
        with timer('table'):
            support = find_supports(points, config=config, depth_noise=depth_noise)
        with timer('above'):
            rows = foreground_rows(points, support, config=config, depth_noise=depth_noise)
        with timer('parts'):
            parts = _part_labels(smoothed_image(points, image_shape, config=config,
                                                depth_noise=depth_noise), rows, config)
        with timer('gather'):
            few, labels = points[rows[::_FILTER_STEP]], parts[::_FILTER_STEP]
            ground = ground_below(few, support, config=config, depth_noise=depth_noise)
            kept = np.unique(objects_only(labels, few, ground, config=config))
            parts = np.where(np.isin(parts, kept), parts, -1)
            segments = segments_of(parts, points, rows, config.min_segment_points)
    return Scene(segments=segments, foreground=rows, support=support, stage_ms=timer.stage_ms)


def smoothed_image(points: np.ndarray, image_shape: tuple[int, int], *, config: SegmenterConfig,
                   depth_noise: DepthNoise) -> SmoothedDepth:
    """Return the smoothed depth of an organised cloud; the arguments are as in `segment_image`."""
    return SmoothedDepth.of(points[:, 2].reshape(image_shape).astype(np.float32),
                            focal_px=focal_length_px(points, image_shape), config=config,
                            depth_noise=depth_noise)


def segment_finer(points: np.ndarray, smoothed: SmoothedDepth, rows: np.ndarray, *, share: float,
                  config: SegmenterConfig) -> tuple[Segment, ...]:
    """Return the parts of some rows of an organised cloud (H * W, 3), largest first.

    `smoothed` is its `smoothed_image`, `rows` are ascending, and a `share` below 1 of the
    configured bends and jumps cuts at weaker edges.
    """
    config = replace(config, min_bend_m=share * config.min_bend_m,
                     bend_sigmas=share * config.bend_sigmas, jump_m=share * config.jump_m)
    labels = _part_labels(smoothed, rows, config)
    return segments_of(labels, points, rows, config.min_segment_points)


def _part_labels(smoothed: SmoothedDepth, rows: np.ndarray, config: SegmenterConfig
                 ) -> np.ndarray:
    """Return the part of each of some rows of the cloud, -1 for none."""
    foreground = np.zeros(smoothed.depth_m.shape, dtype=bool)
    foreground.reshape(-1)[rows] = True
    return image_parts(smoothed, foreground, config=config).reshape(-1)[rows]
