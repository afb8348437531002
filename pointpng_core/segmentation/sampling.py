"""A sample of a cloud, small enough to look at every plane in it."""

from dataclasses import dataclass

import numpy as np

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.plane_detection import tolerances_m

FULL_SAMPLE = 5000
"""Number of points of a cloud that are looked at."""
_DRAWS = 2
_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Points (M, 3) float64 of a cloud, and two lengths for each of them.

    distance_m (M,) from the camera; tolerance_m (M,): largest distance to a plane it lies on.
    """

    points: np.ndarray
    distance_m: np.ndarray
    tolerance_m: np.ndarray

    def part(self, rows: np.ndarray | slice) -> 'Sample':
        """Return the sample of these rows alone."""
        return Sample(points=self.points[rows], distance_m=self.distance_m[rows],
                      tolerance_m=self.tolerance_m[rows])


def usable_rows(points: np.ndarray, config: SegmenterConfig) -> np.ndarray:
    """Return the rows of points (N, 3) that are finite and within `max_range_m` of the camera."""
    # A comparison with nan or inf is false: far faster than isfinite().all(axis=1).
    with np.errstate(invalid='ignore', over='ignore'):
        squares = points[:, 0] ** 2 + points[:, 1] ** 2 + points[:, 2] ** 2
        return np.flatnonzero(squares < config.max_range_m ** 2)


def draw_sample(points: np.ndarray, *, config: SegmenterConfig, depth_noise: DepthNoise) -> Sample:
    """Return up to FULL_SAMPLE usable points of a cloud (N, 3), in random order; repeatable."""
    drawn = _draw(points, config).astype(np.float64)
    x, y, z = drawn.T
    tolerance_m = tolerances_m(drawn, config.plane_tolerance_m, config, depth_noise)
    return Sample(points=drawn, distance_m=np.sqrt(x * x + y * y + z * z),
                  tolerance_m=tolerance_m)


def _draw(points: np.ndarray, config: SegmenterConfig) -> np.ndarray:
    generator = np.random.default_rng(_SEED)
    if len(points) > _DRAWS * FULL_SAMPLE:
        drawn = points[generator.integers(len(points), size=_DRAWS * FULL_SAMPLE)]
        drawn = drawn[usable_rows(drawn, config)]
        if len(drawn) >= FULL_SAMPLE:
            return drawn[:FULL_SAMPLE]
    rows = usable_rows(points, config)  # the cloud is mostly holes, or small
    return points[generator.permutation(rows)[:FULL_SAMPLE]]
