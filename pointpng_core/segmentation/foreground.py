"""The points that may belong to objects, and the support under each of them."""

from collections.abc import Sequence

import numpy as np

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.contacts import Ground
from pointpng_core.segmentation.plane_detection import tolerances_m
from pointpng_core.segmentation.plane_patch import PlanePatch
from pointpng_core.segmentation.sampling import usable_rows
from pointpng_core.segmentation.support_choice import SupportChoice

_EDGE_M = 0.05
"""Thickness of a board: its visible edge is no object."""


def foreground_rows(points: np.ndarray, choice: SupportChoice, *, config: SegmenterConfig,
                    depth_noise: DepthNoise) -> np.ndarray:
    """Return rows of points (N, 3) above a support, and on no support or background, ascending.

    Points are above a support when they are below `max_height_m` and within its outline plus the
    margin. Without a support all points in range are, but for the backgrounds.
    """
    if choice.supports:
        rows = _rows_above(points, choice.supports, config, depth_noise)
    else:
        rows = usable_rows(points, config)
    several = choice.supports if len(choice.supports) > 1 else ()
    if not several and not choice.backgrounds:
        return rows
    above = points[rows]
    tolerance = tolerances_m(above, config.min_height_m, config, depth_noise)
    removed = np.zeros(len(rows), dtype=bool)
    for support in several:
        removed |= _on_board(support, above, tolerance, config)
    for background in choice.backgrounds:
        near = np.abs(background.plane.heights(above)) < 2 * tolerance
        removed[near] |= background.outside(above[near]) < config.table_margin_m
    return rows[~removed]


def ground_below(centroids: np.ndarray, choice: SupportChoice, *, config: SegmenterConfig,
                 depth_noise: DepthNoise) -> Ground:
    """Return the nearest support below each of centroids (V, 3): its normal and their heights."""
    count = len(centroids)
    ground = Ground(up=np.zeros((count, 3)), heights_m=np.full(count, np.inf),
                    outside_m=np.full(count, -np.inf if not choice.supports else np.inf))
    # The supports' own points were cut off up to this far above them: subtract the noise.
    noise_m = tolerances_m(centroids, 0.0, config, depth_noise)
    for support in choice.supports:
        heights, outside = support.plane.heights(centroids), support.outside(centroids)
        nearest = (heights > 0) & (outside < config.table_margin_m)
        nearest &= heights - noise_m < ground.heights_m
        ground.up[nearest] = support.plane.normal
        ground.heights_m[nearest] = (heights - noise_m)[nearest]
        ground.outside_m[nearest] = outside[nearest]
    return ground


def _on_board(support: PlanePatch, points: np.ndarray, tolerance_m: np.ndarray,
              config: SegmenterConfig) -> np.ndarray:
    """Return whether points (N,) lie on a support, or on the edge of its board."""
    heights = support.plane.heights(points)
    near = (heights < tolerance_m) & (heights > -_EDGE_M - tolerance_m)
    outside = support.outside(points[near])
    inside = np.abs(heights[near]) < tolerance_m[near]
    near[near] = (outside < config.table_margin_m) & (inside | (outside > -config.table_margin_m))
    return near


def _rows_above(points: np.ndarray, supports: Sequence[PlanePatch], config: SegmenterConfig,
                depth_noise: DepthNoise) -> np.ndarray:
    found = []
    for support in supports:
        with np.errstate(invalid='ignore', over='ignore'):
            heights = support.plane.heights(points)
            rows = np.flatnonzero((heights > config.min_height_m)
                                  & (heights < config.max_height_m))
            above = points[rows]
            kept = heights[rows] > tolerances_m(above, config.min_height_m, config, depth_noise)
            kept &= support.outside(above) < config.table_margin_m
        found.append(rows[kept])
    return found[0] if len(found) == 1 else np.unique(np.concatenate(found))
