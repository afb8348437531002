"""What depth sensors do at jumps of depth: edges that grow, are eaten, fly, or cast a shadow."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from pointpng_core.geometry.depth_jumps import depth_edges
from pointpng_core.simulation.smooth_noise import smooth_noise

Depth = NDArray[np.float32]
_RAGGED_PX = 6.0
"""Distance along an edge over which its width changes."""
_SPREAD = 0.4
"""Standard deviation of the width, as a share of it."""


def fattened(depth_m: Depth, jump_m: float, width_px: float, rng: np.random.Generator) -> Depth:
    """Return the depth (H, W) in which near surfaces grow over what lies behind their edges.

    Stereo matches windows: behind an edge, the near surface dominates them (Scharstein and
    Szeliski, IJCV 2002). The width varies along the edge, with the mean `width_px`.
    """
    width = _ragged(depth_m.shape, width_px, rng)
    near = depth_edges(depth_m, jump_m) & ~_behind(depth_m, jump_m)
    if not near.any():
        return depth_m
    distance, (rows, columns) = distance_transform_edt(~near, return_indices=True)
    edge_m = depth_m[rows, columns]
    return np.where((distance <= width + 0.5) & (depth_m - edge_m > jump_m), edge_m, depth_m)


def near_rims(depth_m: Depth, jump_m: float, width_px: float, rng: np.random.Generator
              ) -> NDArray[np.bool_]:
    """Return the pixels (H, W) of near surfaces within about `width_px` of what lies behind."""
    width = _ragged(depth_m.shape, width_px, rng)
    far = depth_edges(depth_m, jump_m) & _behind(depth_m, jump_m)
    if not far.any():
        return far
    distance, (rows, columns) = distance_transform_edt(~far, return_indices=True)
    behind: NDArray[np.bool_] = depth_m[rows, columns] - depth_m > jump_m
    return behind & (distance <= width + 0.5)


def with_flying_pixels(depth_m: Depth, jump_m: float, share: float, rng: np.random.Generator
                       ) -> Depth:
    """Return the depth (H, W) in which a share of the pixels at jumps lies between both sides.

    A pixel of a time-of-flight camera that sees both sides measures a depth between them. Where
    nothing lies behind, the near side is measured.
    """
    flying = depth_edges(depth_m, jump_m) & (rng.random(depth_m.shape) < share)
    near_m, far_m = minimum_filter(depth_m, 3), maximum_filter(depth_m, 3)
    part = rng.random(depth_m.shape, dtype=np.float32)
    between_m = np.where(np.isfinite(far_m), near_m + part * (far_m - near_m), near_m)
    return np.where(flying, between_m, depth_m)


def shadowed(depth_m: Depth, jump_m: float, shift_px_m: float) -> NDArray[np.bool_]:
    """Return the pixels (H, W) that something nearer hides from a second eye to the right.

    The eye is a projector or the second camera of a pair: it sees a pixel of depth z at the column
    `shift_px_m` / z further left, and of all that falls on one column only what is nearest.
    """
    height, width = depth_m.shape
    read = np.isfinite(depth_m) & (depth_m > 0)
    shift = np.divide(shift_px_m, depth_m, out=np.zeros_like(depth_m), where=read)
    least = int(np.ceil(shift.max(initial=0.0)))
    seen = np.rint(np.arange(width, dtype=np.float32) - shift).astype(np.int64) + least
    seen += np.arange(height)[:, None] * (width + least + 1)
    nearest = np.full(height * (width + least + 1), np.inf, dtype=np.float32)
    np.minimum.at(nearest, seen[read], depth_m[read])
    nearest = minimum_filter(nearest.reshape(height, -1), size=(1, 3))
    hidden: NDArray[np.bool_] = read & (depth_m - nearest.ravel()[seen] > jump_m)
    return hidden


def _behind(depth_m: Depth, jump_m: float) -> NDArray[np.bool_]:
    """Return the pixels that have a much nearer neighbour."""
    behind: NDArray[np.bool_] = depth_m - minimum_filter(depth_m, 3) > jump_m
    return behind


def _ragged(shape: tuple[int, int], width_px: float, rng: np.random.Generator
            ) -> NDArray[np.float32]:
    """Return widths (H, W) that vary slowly around their mean."""
    widths: NDArray[np.float32] = width_px * (1 + _SPREAD * smooth_noise(shape, _RAGGED_PX, rng))
    return np.maximum(widths, 0)
