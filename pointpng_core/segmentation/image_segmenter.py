"""Segmentation of an organised cloud: supports, foreground, parts between edges of depth."""

from dataclasses import replace

import numpy as np

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.foreground import foreground_rows, ground_below
from pointpng_core.segmentation.image_parts import image_parts
from pointpng_core.segmentation.object_groups import groups_of, objects_only
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
    before and behind an occluder, a body and its handle. Recognition unites them.

    The stages are table, above, parts, gather and total.
    """
    timer = StageTimer()
    with timer('total'):
        with timer('table'):
            support = find_supports(points, config=config, depth_noise=depth_noise)
        with timer('above'):
            rows = foreground_rows(points, support, config=config, depth_noise=depth_noise)
            foreground = np.zeros(len(points), dtype=bool)
            foreground[rows] = True
        with timer('parts'):
            parts = image_parts(points[:, 2].reshape(image_shape).astype(np.float32),
                                foreground.reshape(image_shape), config=config,
                                depth_noise=depth_noise).reshape(-1)[rows]
        with timer('gather'):
            above = points[rows]
            few, labels = above[::_FILTER_STEP], parts[::_FILTER_STEP]
            ground = ground_below(few, support, config=config, depth_noise=depth_noise)
            kept = np.unique(objects_only(labels, few, ground, config=config))
            parts = np.where(np.isin(parts, kept), parts, -1)
            segments = [Segment(points=above[group].astype(np.float32), indices=rows[group])
                        for group in groups_of(parts, config.min_segment_points)]
            segments.sort(key=lambda segment: -len(segment.indices))
    return Scene(segments=tuple(segments), support=support, stage_ms=timer.stage_ms)


def segment_finer(points: np.ndarray, image_shape: tuple[int, int], rows: np.ndarray, *,
                  share: float, config: SegmenterConfig, depth_noise: DepthNoise
                  ) -> list[Segment]:
    """Return the parts of some rows of an organised cloud, largest first.

    The arguments are those of `segment_image`; `rows` are ascending, and a `share` below 1 of the
    configured bends and jumps cuts at weaker edges.
    """
    config = replace(config, min_bend_m=share * config.min_bend_m,
                     bend_sigmas=share * config.bend_sigmas, jump_m=share * config.jump_m)
    foreground = np.zeros(len(points), dtype=bool)
    foreground[rows] = True
    parts = image_parts(points[:, 2].reshape(image_shape).astype(np.float32),
                        foreground.reshape(image_shape), config=config,
                        depth_noise=depth_noise).reshape(-1)[rows]
    groups = groups_of(parts, config.min_segment_points)
    return [Segment(points=points[rows[group]].astype(np.float32), indices=rows[group])
            for group in sorted(groups, key=lambda group: -len(group))]
