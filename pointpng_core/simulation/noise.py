"""Errors of a depth sensor, after Nguyen, Izadi and Lovell (3DIMPVT 2012) for the Kinect."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.simulation.rendering import DepthImage

_JITTER_TABLE = 256


def measure(image: DepthImage, noise: DepthNoise, rng: np.random.Generator, *,
            near_m: float, far_m: float) -> NDArray[np.float32]:
    """What the sensor reads (H, W) in metres of an ideal image; NaN where it reads nothing."""
    with np.errstate(invalid='ignore', over='ignore'):
        depth_m = _jittered(image.depth_m, noise.lateral_px, rng)
        sigma_m = noise.sigma_m(depth_m)
        depth_m += sigma_m * rng.standard_normal(depth_m.shape, dtype=np.float32)
        if noise.quantum_per_m:
            steps = np.maximum(np.round(1 / (depth_m * noise.quantum_per_m)), 1)
            depth_m = (1 / (steps * noise.quantum_per_m)).astype(np.float32)
        lost = rng.random(depth_m.shape, dtype=np.float32) < _loss(image, noise)
        lost |= ~((depth_m >= near_m) & (depth_m <= far_m))
    depth_m[lost] = np.nan
    return depth_m


def _jittered(depth_m: NDArray[np.float32], sigma_px: float,
              rng: np.random.Generator) -> NDArray[np.float32]:
    """Each pixel off the image's rim reads a neighbour, normally distributed: edges fray."""
    if sigma_px == 0:
        return depth_m.copy()
    height, width = depth_m.shape
    shifts = np.rint(rng.normal(scale=sigma_px, size=(2, _JITTER_TABLE))).astype(np.int64)
    drawn = rng.integers(0, _JITTER_TABLE, size=depth_m.shape, dtype=np.uint8)
    read = np.arange(height * width).reshape(height, width)
    rim = max(int(np.abs(shifts).max()), 1)
    inner = (slice(rim, -rim), slice(rim, -rim))
    read[inner] += (shifts[0] * width + shifts[1])[drawn[inner]]
    return depth_m.take(read)


def _loss(image: DepthImage, noise: DepthNoise) -> NDArray[np.float32]:
    """Probability (H, W) that a pixel has no reading."""
    loss = np.full(image.depth_m.shape, noise.dropped_share, dtype=np.float32)
    loss[_edges(image.depth_m, noise.edge_m)] += np.float32(noise.edge_dropped_share)
    loss[image.cosine < np.cos(np.radians(noise.grazing_deg))] = 2.0
    return loss


def _edges(depth_m: NDArray[np.float32], jump_m: float) -> NDArray[np.bool_]:
    """Pixels on either side of a jump in depth."""
    edges = np.zeros(depth_m.shape, dtype=bool)
    across = ~(np.abs(depth_m[:, 1:] - depth_m[:, :-1]) <= jump_m)
    down = ~(np.abs(depth_m[1:] - depth_m[:-1]) <= jump_m)
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges
