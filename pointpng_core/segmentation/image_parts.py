"""The parts of an organised cloud: connected pixels between depth jumps and concave bends."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.depth_edges import NEIGHBOURS, SmoothedDepth

_GROWTH_JUMP_M = 0.012
"""Largest difference in depth to the neighbour whose part a pixel of an edge joins."""
_JUMP_RANGE_M = 0.6
"""Beyond this distance the pixels lie farther apart, and jumps grow in proportion."""
_GROWTH_MARGIN_PX = 3


def image_parts(smoothed: SmoothedDepth, foreground: NDArray[np.bool_], *,
                config: SegmenterConfig) -> NDArray[np.int64]:
    """Return the part (H, W) of each pixel of a depth image, -1 for none.

    Parts consist of `foreground` pixels (H, W) alone; pixels of edges join the neighbouring part
    nearest in depth.
    """
    parts = _connected(smoothed, smoothed.surfaces(config) & foreground, config)
    return _grown(parts, smoothed, foreground, smoothed.span_px + _GROWTH_MARGIN_PX)


def _connected(smoothed: SmoothedDepth, kept: NDArray[np.bool_], config: SegmenterConfig
               ) -> NDArray[np.int64]:
    """Return the connected parts (H, W) of the kept pixels, without the very small ones.

    They are labelled in an image of twice the size, with the links between pixels in between.
    """
    depth = smoothed.depth_m
    height, width = depth.shape
    with np.errstate(invalid='ignore'):
        jump_m = config.jump_m * np.fmax(1.0, depth / _JUMP_RANGE_M)
        across = np.abs(np.diff(depth, axis=1)) < jump_m[:, 1:]
        down = np.abs(np.diff(depth, axis=0)) < jump_m[1:]
    links = np.zeros((2 * height - 1, 2 * width - 1), dtype=bool)
    links[::2, ::2] = kept
    links[::2, 1::2] = kept[:, 1:] & kept[:, :-1] & across
    links[1::2, ::2] = kept[1:] & kept[:-1] & down
    labels, count = ndimage.label(links)
    parts = labels[::2, ::2].astype(np.int64) - 1
    sizes = np.bincount(parts[parts >= 0], minlength=max(count, 1))
    return np.where((parts >= 0) & (sizes[parts] >= config.min_segment_points), parts, -1)


def _grown(parts: NDArray[np.int64], smoothed: SmoothedDepth, foreground: NDArray[np.bool_],
           steps: int) -> NDArray[np.int64]:
    """Return the parts (H, W) grown by so many pixels over foreground that belongs to none."""
    measured_m = smoothed.measured_m
    open_rows = np.flatnonzero((parts < 0) & foreground & np.isfinite(measured_m))
    rows, columns = np.divmod(open_rows, parts.shape[1])
    grown = np.pad(parts, 1, constant_values=-1)
    depth = np.pad(np.where(parts >= 0, smoothed.depth_m, measured_m), 1, constant_values=np.nan)
    for _ in range(steps):
        around = np.stack([grown[rows + 1 + down, columns + 1 + right]
                           for down, right in NEIGHBOURS])
        apart = np.stack([np.abs(depth[rows + 1 + down, columns + 1 + right]
                                 - depth[rows + 1, columns + 1]) for down, right in NEIGHBOURS])
        apart[(around < 0) | ~(apart < _GROWTH_JUMP_M)] = np.inf
        nearest = apart.argmin(axis=0)[None]
        joined = np.take_along_axis(around, nearest, axis=0)[0]
        found = np.isfinite(np.take_along_axis(apart, nearest, axis=0)[0])
        grown[rows[found] + 1, columns[found] + 1] = joined[found]
        rows, columns = rows[~found], columns[~found]
    return grown[1:-1, 1:-1]
