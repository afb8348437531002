"""The sensor model that explains the errors measured on walls."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from pointpng_core.evaluation.sensor.wall_errors import DepthSigma
from pointpng_core.geometry.depth_noise import BIAS_PX
from pointpng_core.geometry.sensor_profiles import NEAREST_M, SensorProfile

_LENGTHS_PX = np.geomspace(0.5, 30.0, 120)
_LEAST_SHARE = 0.05
_LEAST_RATIO, _LEAST_GROWTH_M2 = 1.3, 0.05
"""Depths that are nearer together than this say nothing about the growth of noise."""
_SLOPE_RATIO, _STEEP = 2.0, 0.5
"""Slopes differ by this factor, and the steep ones are this share of the noise, per pixel."""


@dataclass(frozen=True, kw_only=True)
class DepthFit:
    """Standard deviation over depth.

    `growth_measured` is False where a profile's growth is taken. `lateral_px` is the standard
    deviation sideways, which tilted walls turn into one of depth; None where it is part of it.
    """

    axial_m: float
    axial_growth: float
    growth_measured: bool
    lateral_px: float | None = None


@dataclass(frozen=True, kw_only=True)
class CorrelationFit:
    """Correlation length of the noise, and the share of the variance of the slow error."""

    correlation_px: float
    slow_share: float


def fit_depth(measured: Sequence[DepthSigma], profile: SensorProfile) -> DepthFit:
    """Return the model of standard deviations of walls, by least squares of relative errors.

    Errors sideways are told apart where the same depths were seen on walls of other slopes. Where
    all depths are about the same, the curve of the profile is taken, scaled to the noise.
    """
    depth_m, sigma_m, pixels = (np.array([getattr(item, name) for item in measured])
                                for name in ('depth_m', 'sigma_m', 'pixels'))
    grown = (depth_m - NEAREST_M) ** 2
    weights = np.sqrt(pixels) / np.maximum(sigma_m, 1e-9)
    wide = depth_m.max() >= _LEAST_RATIO * depth_m.min() and np.ptp(grown) >= _LEAST_GROWTH_M2
    if wide:
        axes = np.stack([np.ones_like(grown), grown], axis=1)
        (axial_m, growth), _ = nnls(axes * weights[:, None], sigma_m * weights)
        slope_m = np.array([item.slope_m for item in measured])
        if _slopes_differ(slope_m / depth_m ** 2, slope_m / sigma_m):
            return _with_lateral(axes, slope_m, sigma_m, weights)
        return DepthFit(axial_m=float(axial_m), axial_growth=float(growth), growth_measured=True)
    curve = profile.axial_m + profile.axial_growth * grown
    level = float((weights ** 2 * curve * sigma_m).sum() / (weights ** 2 * curve ** 2).sum())
    return DepthFit(axial_m=level * profile.axial_m, axial_growth=level * profile.axial_growth,
                    growth_measured=False)


def _slopes_differ(slopes_per_m: NDArray[np.float64], in_sigmas: NDArray[np.float64]) -> bool:
    """Return whether walls have slopes of inverse depth that differ, some of them steep ones."""
    low, high = np.quantile(slopes_per_m, (0.1, 0.9))
    return bool(high > _SLOPE_RATIO * low and np.quantile(in_sigmas, 0.9) > _STEEP)


def _with_lateral(axes: NDArray[np.float64], slope_m: NDArray[np.float64],
                  sigma_m: NDArray[np.float64], weights: NDArray[np.float64]) -> DepthFit:
    """Return the fit of sigma^2 = (axial + growth)^2 + (lateral * slope)^2."""
    def errors(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return weights * (np.hypot(axes @ values[:2], values[2] * slope_m) - sigma_m)
    start = [float(sigma_m.min()) / 2, 1e-3, 0.3]
    axial_m, growth, lateral_px = least_squares(
        errors, start, bounds=([0, 0, 0], [1, 1, 3]), x_scale=[1e-3, 1e-3, 1.0]).x
    return DepthFit(axial_m=float(axial_m), axial_growth=float(growth), growth_measured=True,
                    lateral_px=float(lateral_px))


def fit_correlation(correlation: NDArray[np.float64]) -> CorrelationFit:
    """Return the fit to the correlation (D,) of errors 0, 1, ... pixels apart.

    It is the sum of white noise, of noise that falls by exp(-d / length), and of the slow error.
    The correlation length is such that as many readings are independent as with white noise and
    without.
    """
    lags = np.arange(1, len(correlation))
    slow = np.exp(-lags / BIAS_PX)
    fits = [(*nnls(np.stack([np.exp(-lags / length), slow], axis=1), correlation[1:]), length)
            for length in _LENGTHS_PX]
    (smooth_share, slow_share), _, length = min(fits, key=lambda fit: fit[1])
    slow_share = min(float(slow_share), 0.9)
    smooth_share = min(float(smooth_share) / (1 - slow_share), 1.0)
    correlated = smooth_share >= _LEAST_SHARE
    return CorrelationFit(slow_share=slow_share,
                          correlation_px=float(length * smooth_share ** 0.5) * correlated)
