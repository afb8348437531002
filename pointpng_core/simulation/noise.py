"""What a depth sensor measures of an ideal image: noise, and wrong or missing readings."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.depth_jumps import depth_edges
from pointpng_core.geometry.depth_noise import BIAS_PX
from pointpng_core.simulation.edge_errors import (
    fattened,
    near_rims,
    shadowed,
    with_flying_pixels,
)
from pointpng_core.simulation.rendering import DepthImage
from pointpng_core.simulation.sensor_errors import SensorErrors
from pointpng_core.simulation.smooth_noise import smooth_noise
from pointpng_core.simulation.surface_errors import corner_bias, dark_holes

__all__ = ['SensorErrors', 'measure']

_JITTER_TABLE = 256


def measure(image: DepthImage, noise: SensorErrors, rng: np.random.Generator, *,
            near_m: float, far_m: float) -> NDArray[np.float32]:
    """Return the depth (H, W) in metres that the sensor measures; NaN where it measures none.

    An error that a sensor does not have takes nothing from the random numbers.
    """
    errors = noise.effective
    with np.errstate(invalid='ignore', over='ignore'):
        depth_m = _jittered(_misread(image, errors, rng), errors.lateral_px, rng)
        depth_m += _noise_m(depth_m, errors, rng)
        if errors.quantum_per_m:
            steps = np.maximum(np.round(1 / (depth_m * errors.quantum_per_m)), 1)
            depth_m = (1 / (steps * errors.quantum_per_m)).astype(np.float32)
        lost = rng.random(depth_m.shape, dtype=np.float32) < _loss(image, errors, rng)
        lost |= ~((depth_m >= near_m) & (depth_m <= far_m))
    depth_m[lost] = np.nan
    return depth_m


def _misread(image: DepthImage, errors: SensorErrors, rng: np.random.Generator
             ) -> NDArray[np.float32]:
    """Return the depth with what the method of measurement does to edges and corners."""
    depth_m = image.depth_m
    if errors.corner_bias_m:
        depth_m = depth_m + errors.corner_bias_m * corner_bias(depth_m, errors.edge_m)
    if errors.fattened_px:
        depth_m = fattened(depth_m, errors.edge_m, errors.fattened_px, rng)
    if errors.flying_share:
        depth_m = with_flying_pixels(depth_m, errors.edge_m, errors.flying_share, rng)
    return depth_m


def _noise_m(depth_m: NDArray[np.float32], errors: SensorErrors, rng: np.random.Generator
             ) -> NDArray[np.float32]:
    """Return the noise of depths (H, W), with the slow error that regions share."""
    sigma_m = errors.model.noise_m(depth_m)
    noise = smooth_noise(depth_m.shape, errors.correlation_px, rng)
    if errors.bias_sigmas:
        noise += np.float32(errors.bias_sigmas) * smooth_noise(depth_m.shape, BIAS_PX, rng)
    noise_m: NDArray[np.float32] = sigma_m * noise
    return noise_m


def _jittered(depth_m: NDArray[np.float32], sigma_px: float,
              rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the depth with inner pixels read from neighbours at normal random offsets."""
    if sigma_px == 0:
        return depth_m.copy()
    height, width = depth_m.shape
    shifts = np.rint(rng.normal(scale=sigma_px, size=(2, _JITTER_TABLE))).astype(np.int64)
    sampled = rng.integers(0, _JITTER_TABLE, size=depth_m.shape, dtype=np.uint8)
    read = np.arange(height * width).reshape(height, width)
    rim = max(int(np.abs(shifts).max()), 1)
    inner = (slice(rim, -rim), slice(rim, -rim))
    read[inner] += (shifts[0] * width + shifts[1])[sampled[inner]]
    return depth_m.take(read)


def _loss(image: DepthImage, errors: SensorErrors, rng: np.random.Generator
          ) -> NDArray[np.float32]:
    """Return the probability (H, W) that a pixel has no reading."""
    loss = np.full(image.depth_m.shape, errors.dropped_share, dtype=np.float32)
    loss[depth_edges(image.depth_m, errors.edge_m)] += np.float32(errors.edge_dropped_share)
    loss[image.cosine < np.cos(np.radians(errors.grazing_deg))] = 2.0
    if errors.eaten_px:
        loss[near_rims(image.depth_m, errors.edge_m, errors.eaten_px, rng)] = 2.0
    if errors.shadow_px_m:
        loss[shadowed(image.depth_m, errors.edge_m, errors.shadow_px_m)] = 2.0
    if errors.dark_share:
        loss[dark_holes(image, errors.dark_share, errors.dark_loss, rng)] = 2.0
    return loss
