"""The noise of a frame, measured on the surface that the objects stand on.

Cameras of one model differ, and their errors depend on the surface and the light. A frame that
shows a large flat support shows its own noise: where that is larger than the sensor's, all
distances are measured in its standard deviations.
"""

import numpy as np

from pointpng_core.geometry.clouds import finite_rows
from pointpng_core.geometry.depth_noise import MAD_SIGMA, DepthNoise
from pointpng_core.segmentation import Scene
from pointpng_core.tracking.frame import Frame

EVERY = 8
"""Every so many points of a frame suffice."""
LEAST_POINTS = 1000
WITHIN_M = 0.015
"""Points further from the plane do not belong to the surface."""
EXPECTED = 0.9
"""Spread about a table, in sigmas of depth, of simulated cameras whose noise is known: less than
1, for it is measured along the normal."""
MOST_FACTOR = 2.5
"""What errs more than that is not flat."""


def with_measured_noise(frame: Frame, scene: Scene) -> DepthNoise:
    """Return the noise of the sensor, scaled where the frame's support shows more of it."""
    factor = min(noise_factor(frame, scene) / EXPECTED, MOST_FACTOR)
    return frame.depth_noise if factor <= 1.0 else frame.depth_noise.with_factor(factor)


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
    return float(MAD_SIGMA * np.median(np.abs(sigmas - np.median(sigmas))))
