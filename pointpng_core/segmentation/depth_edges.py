"""Depth jumps and concave bends in an organised cloud, where one object ends and another begins.

All steps work on inverse depth: a plane is linear in it over the pixels of a pinhole camera, so
that a second difference measures a bend alone, however inclined the surface is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig

Image = NDArray[np.floating]
_GATE_SIGMAS = 3.0
"""Pixels whose depth differs by more are not averaged: they belong to another surface."""
_SMOOTHING_PX = 2
"""Largest distance of pixels that are averaged; at most half of the span of a bend, which is
blurred otherwise."""
_LONGEST_FOCAL_PX = 600.0
"""The span of a bend grows with the focal length up to here: images of longer ones were scaled up,
as those of YCB-Video (1067), where spans of 4 and 7 pixels give 9 and 8 right poses, 1 and 2 false
ones."""
_HOLE_STEP = 0.02
"""Relative difference in depth of the neighbours of a hole that lies within one surface."""
NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""Rows and columns from a pixel to those beside it."""


@dataclass(frozen=True, kw_only=True)
class SmoothedDepth:
    """Depth (H, W) in metres along the optical axis, smoothed within surfaces; NaN for holes.

    `measured_m` (H, W) is the depth before, NaN where there is no reading, and `sigma_m` (H, W)
    the noise of a single pixel. `bend_m` (H, W) is by how much the surface lies behind the middle
    between the surfaces `span_px` on either side, in the direction where this is most: positive in
    a concave bend, and behind the edge of a nearer surface.
    """

    depth_m: Image
    measured_m: Image
    sigma_m: Image
    bend_m: Image
    span_px: int

    @classmethod
    def of(cls, depth_m: Image, *, focal_px: float, config: SegmenterConfig,
           depth_noise: DepthNoise) -> 'SmoothedDepth':
        """Smooth measured depths (H, W) in metres, NaN where there is no reading."""
        span_px = max(1, round(config.bend_span_rad * min(focal_px, _LONGEST_FOCAL_PX)))
        reach_px = _smoothing_px(span_px)
        with np.errstate(invalid='ignore', divide='ignore'):
            inverse = _filled(1 / depth_m)
            sigma = depth_noise.sigma_m(1 / inverse).astype(np.float32)
            gate = _GATE_SIGMAS * sigma * inverse ** 2
            smooth = _averaged(_averaged(inverse, gate, reach_px, axis=0), gate, reach_px, axis=1)
            depth = 1 / smooth
            bend = _largest_bend(smooth, span_px) * depth ** 2
        return cls(depth_m=depth, measured_m=depth_m, sigma_m=sigma, bend_m=bend,
                   span_px=span_px)

    def surfaces(self, config: SegmenterConfig) -> NDArray[np.bool_]:
        """Return the pixels (H, W) that have a depth and lie in no concave bend.

        The tolerance of a bend is `min_bend_m` plus `bend_sigmas` of its noise after smoothing.
        """
        noise_m = self.sigma_m / (2 * _smoothing_px(self.span_px) + 1)
        with np.errstate(invalid='ignore'):
            inside = ~(self.bend_m > config.min_bend_m + config.bend_sigmas * noise_m)
        kept: NDArray[np.bool_] = inside & np.isfinite(self.depth_m)
        return kept


def _smoothing_px(span_px: int) -> int:
    """Return how far pixels are averaged before bends over a span are measured."""
    return min(_SMOOTHING_PX, max(1, round(span_px / 2)))


def shifted(image: NDArray, rows: int, columns: int, blank: float = np.nan) -> NDArray:
    """Return an image (H, W) whose pixel (r, c) is that at (r + rows, c + columns), or blank."""
    result = np.full_like(image, blank)
    height, width = image.shape
    if abs(rows) >= height or abs(columns) >= width:
        return result
    to = (slice(max(-rows, 0), height - max(rows, 0)),
          slice(max(-columns, 0), width - max(columns, 0)))
    source = (slice(max(rows, 0), height + min(rows, 0)),
              slice(max(columns, 0), width + min(columns, 0)))
    result[to] = image[source]
    return result


def _filled(inverse: Image) -> Image:
    """Return inverse depth with holes of one pixel filled by their neighbours' mean.

    At least three neighbours must have a depth, and agree.
    """
    holes = np.flatnonzero(~np.isfinite(inverse))
    rows, columns = np.divmod(holes, inverse.shape[1])
    padded = np.pad(inverse, 1, constant_values=np.nan)
    around = np.stack([padded[rows + 1 + down, columns + 1 + right]
                       for down, right in NEIGHBOURS])
    known = np.isfinite(around)
    low = np.where(known, around, np.inf).min(axis=0)
    high = np.where(known, around, -np.inf).max(axis=0)
    good = (known.sum(axis=0) >= 3) & (high - low < _HOLE_STEP * high)
    filled = np.where(np.isfinite(inverse), inverse, np.float32(np.nan))
    mean = np.where(known, around, 0).sum(axis=0)[good] / known.sum(axis=0)[good]
    filled[rows[good], columns[good]] = mean
    return filled


def _averaged(inverse: Image, gate: Image, reach_px: int, *, axis: int) -> Image:
    """Return the mean (H, W) of the pixels within reach along an axis, of one surface only.

    A pixel without a depth keeps none.
    """
    total, count = inverse.copy(), np.ones_like(inverse)
    for step in range(-reach_px, reach_px + 1):
        if step:
            other = shifted(inverse, step, 0) if axis == 0 else shifted(inverse, 0, step)
            near = np.abs(other - inverse) < gate
            np.add(total, other, out=total, where=near)
            count += near
    return total / count


def _largest_bend(inverse: Image, span_px: int) -> Image:
    """Return half the largest second difference (H, W) of inverse depth, in four directions."""
    diagonal_px = max(1, round(span_px * np.sqrt(0.5)))
    bend = np.full_like(inverse, -np.inf)
    for rows, columns in ((0, span_px), (span_px, 0), (diagonal_px, diagonal_px),
                          (diagonal_px, -diagonal_px)):
        ends = shifted(inverse, rows, columns) + shifted(inverse, -rows, -columns)
        np.fmax(bend, ends / 2 - inverse, out=bend)
    return bend
