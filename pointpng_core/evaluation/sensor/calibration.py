"""A sensor model from the clouds of a recording of a flat wall or table."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.evaluation.sensor.image_faults import (
    DepthSteps,
    EdgeCounter,
    EdgeLoss,
    StepFinder,
)
from pointpng_core.evaluation.sensor.noise_fit import fit_correlation, fit_depth
from pointpng_core.evaluation.sensor.wall import LEAST_SHARE, find_wall
from pointpng_core.evaluation.sensor.wall_errors import DepthSigma, WallErrors
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.geometry.sensor_profiles import CUSTOM, DEFAULT, PROFILES


@dataclass(frozen=True, kw_only=True, eq=False)
class SensorCalibration:
    """What was measured, and the model `noise` (profile `custom`) that explains it.

    clouds, walls: how many were read, and how many showed a plane; incidence_deg: the median over
    the walls; by_depth: total errors, nearest first; correlation (D,) of errors 0, 1, ... pixels
    apart; growth_measured: whether the depths differed enough; lateral_px: standard deviation
    sideways, None where all walls had the same slope and it is part of the noise; edges and steps:
    None where the recording shows none.
    """

    noise: DepthNoise
    clouds: int
    walls: int
    incidence_deg: float
    by_depth: tuple[DepthSigma, ...]
    correlation: NDArray[np.float64]
    growth_measured: bool
    lateral_px: float | None
    edges: EdgeLoss | None
    steps: DepthSteps | None


def calibrate_sensor(clouds: Iterable[PointCloud], *, profile: str = DEFAULT) -> SensorCalibration:
    """Return the calibration from organised clouds that show a wall, at any number of depths.

    Where the depths differ too little, the growth of noise with depth is that of the profile.
    Raises CloudError for clouds that are not organised, and where none shows a wall.
    """
    collector = _Collector()
    for cloud in clouds:
        collector.add(cloud)
    return collector.result(profile)


class _Collector:
    """Passes every cloud to all measurements."""

    def __init__(self) -> None:
        self._clouds = 0
        self._incidences_deg: list[float] = []
        self._errors, self._edges, self._steps = WallErrors(), EdgeCounter(), StepFinder()

    def add(self, cloud: PointCloud) -> None:
        if cloud.image_shape is None or min(cloud.image_shape) < 2:
            raise CloudError(f'cloud {self._clouds} is not organised (its height is 1), but '
                             'neighbours of pixels are needed: record depth images, or organised '
                             'clouds (RealSense: pointcloud.ordered_pc:=true)')
        self._clouds += 1
        points = cloud.sensor_points.reshape(*cloud.image_shape, 3)
        wall = find_wall(points)
        if wall is not None:
            self._incidences_deg.append(wall.incidence_deg)
            self._errors.add(wall)
            self._edges.add(points[..., 2], wall.sigma_per_m)
            self._steps.add(points[..., 2][wall.inside])

    def result(self, profile: str) -> SensorCalibration:
        by_depth = self._errors.by_depth()
        if not by_depth:
            raise CloudError(f'none of the {self._clouds} clouds shows a plane that fills a share '
                             f'of {LEAST_SHARE:g} of the image: record a flat wall or an empty '
                             'table, from .5 to 1.5 m away')
        depth = fit_depth(self._errors.of_walls or by_depth, PROFILES[profile])
        correlation = self._errors.correlation()
        spread = fit_correlation(correlation)
        own = (1 - spread.slow_share) ** 0.5
        noise = DepthNoise(
            profile=CUSTOM, axial_m=round(own * depth.axial_m, 6),
            axial_growth=round(own * depth.axial_growth, 6),
            correlation_px=round(spread.correlation_px, 1),
            bias_sigmas=round((spread.slow_share / (1 - spread.slow_share)) ** 0.5, 2))
        return SensorCalibration(
            noise=noise, clouds=self._clouds, walls=len(self._incidences_deg),
            incidence_deg=float(np.median(self._incidences_deg)), by_depth=tuple(by_depth),
            correlation=correlation, growth_measured=depth.growth_measured,
            lateral_px=depth.lateral_px,
            edges=self._edges.result(), steps=self._steps.result())
