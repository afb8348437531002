"""The noise of a frame, measured on the surface that the objects stand on.

Cameras of one model differ, and their errors depend on the surface and the light. A frame that
shows a large flat support shows its own noise: where that is clearly larger than the sensor's, all
distances are measured in its standard deviations.
"""

import numpy as np

from pointpng_core.geometry.clouds import finite_rows
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation import Scene
from pointpng_core.tracking.frame import Frame

EVERY = 8
"""Every so many points of a frame suffice."""
LEAST_POINTS = 1000
WITHIN_M = 0.015
"""Points further from the plane do not belong to the surface."""
LEAST_FACTOR, MOST_FACTOR = 1.3, 2.5
"""Noise is taken from the support beyond the first multiple of the sensor's, and up to the second:
what errs more is not flat. Tables that the sensor's profile describes gave .88 to 1.2 (simulated,
and an Asus Xtion), RealSense cameras without their profile 1.46 to 1.63."""
MAD_TO_SIGMA = 1.4826


def with_measured_noise(frame: Frame, scene: Scene) -> DepthNoise:
    """Return the noise of the sensor, scaled where the frame's support shows more of it."""
    factor = noise_factor(frame, scene)
    if factor < LEAST_FACTOR:
        return frame.depth_noise
    return frame.depth_noise.with_factor(min(factor, MOST_FACTOR))


def noise_factor(frame: Frame, scene: Scene) -> float:
    """Return the spread of the main support's points about its plane, in sigmas of the sensor.

    It is the median absolute deviation as that of a normal distribution; 0 without a support that
    is large enough.
    """
    if not scene.support.supports:
        return 0.0
    support = scene.support.supports[0]
    points = frame.points[::EVERY]
    points = points[finite_rows(points)]
    heights_m = support.plane.heights(points)
    near = np.abs(heights_m) < WITHIN_M
    near[near] = support.outside(points[near]) < 0
    if np.count_nonzero(near) < LEAST_POINTS:
        return 0.0
    sigmas = heights_m[near] / frame.depth_noise.sigma_m(points[near, 2])
    return float(MAD_TO_SIGMA * np.median(np.abs(sigmas - np.median(sigmas))))
