"""What depth sensors do on surfaces: holes where they are dark, detours of light in corners."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, uniform_filter
from scipy.special import ndtri

from pointpng_core.geometry.depth_jumps import depth_edges
from pointpng_core.simulation.rendering import DepthImage
from pointpng_core.simulation.smooth_noise import smooth_noise

_HOLE_PX = 10.0
_REACH_PX = 10
_SHARP = _REACH_PX / 575 / 2
"""What a right-angled corner, seen evenly at 575 px focal length, lies behind the mean of its
neighbourhood, as a share of its depth."""


def dark_holes(image: DepthImage, share: float, loss: float, rng: np.random.Generator
               ) -> NDArray[np.bool_]:
    """Return the pixels (H, W) of dark objects without a reading: patches, wider where it grazes.

    Each object is dark with the probability `share`. Of its pixels a share of `loss` over the
    cosine of incidence has no reading: as much less light comes back.
    """
    dark = rng.random(len(image.visible_share) + 1) < share
    on_dark = (image.owner >= 0) & dark[np.maximum(image.owner, 0)]
    lost = np.clip(loss / np.maximum(image.cosine, 1e-3), 0, 1)
    holes: NDArray[np.bool_] = on_dark & (
        smooth_noise(image.depth_m.shape, _HOLE_PX, rng) < ndtri(lost))
    return holes


def corner_bias(depth_m: NDArray[np.float32], jump_m: float) -> NDArray[np.float32]:
    """Return from 0 to 1 how much each pixel (H, W) lies in an inner corner, away from jumps.

    Light that reaches the sensor over the other side of a corner has gone further (Fuchs, ICPR
    2010). The corner is where depth lies behind the mean of its neighbourhood.
    """
    near_edge = maximum_filter(depth_edges(depth_m, jump_m), size=2 * _REACH_PX + 1)
    known = np.where(np.isfinite(depth_m), depth_m, 0).astype(np.float32)
    continued = np.pad(known, _REACH_PX, mode='reflect', reflect_type='odd')
    inner = slice(_REACH_PX, -_REACH_PX)
    mean_m = uniform_filter(continued, 2 * _REACH_PX + 1)[inner, inner]
    sharpness = (known - mean_m) / np.maximum(known * np.float32(_SHARP), 1e-9)
    return np.where(near_edge, 0, np.clip(sharpness, 0, 1)).astype(np.float32)
