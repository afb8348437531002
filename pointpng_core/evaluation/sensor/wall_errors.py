"""Errors of many walls: their size over depth, and their correlation over distances of pixels."""

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pointpng_core.evaluation.sensor.wall import Wall
from pointpng_core.geometry.depth_noise import MAD_SIGMA

MAX_LAG_PX = 40
_BIN_RATIO = 1.08
_LEAST_PIXELS = 500
_SAMPLE = 20_000
_CLIP_SIGMAS = 4.0


@dataclass(frozen=True, kw_only=True)
class DepthSigma:
    """The robust standard deviation of depth at one depth, and from how many pixels.

    `slope_m` is how much the depth of the wall changes from pixel to pixel, 0 where walls differ.
    """

    depth_m: float
    sigma_m: float
    pixels: int
    slope_m: float = 0.0


class WallErrors:
    """Collects the errors of walls."""

    def __init__(self) -> None:
        self._errors_m: defaultdict[int, list[NDArray[np.float64]]] = defaultdict(list)
        self._depths_m: defaultdict[int, list[NDArray[np.float64]]] = defaultdict(list)
        self.of_walls: list[DepthSigma] = []
        """The standard deviations of each wall alone, at each of its depths."""
        self._products, self._pairs = np.zeros(MAX_LAG_PX + 1), np.zeros(MAX_LAG_PX + 1)

    def add(self, wall: Wall) -> None:
        """Add the pixels inside of a wall."""
        depth_m, error_m = wall.depth_m[wall.inside], wall.error_m[wall.inside]
        step = max(1, len(depth_m) // _SAMPLE)
        depth_m, error_m = depth_m[::step], error_m[::step]
        bins = np.floor(np.log(depth_m) / np.log(_BIN_RATIO)).astype(int)
        for index in np.unique(bins):
            self._depths_m[index].append(depth_m[bins == index])
            self._errors_m[index].append(error_m[bins == index])
            own = _sigma(self._depths_m[index][-1], self._errors_m[index][-1])
            if own.pixels >= _LEAST_PIXELS:
                self.of_walls.append(replace(own, slope_m=wall.slope_per_m * own.depth_m ** 2))
        self._correlate(wall)

    def by_depth(self) -> list[DepthSigma]:
        """Return the standard deviations at the depths that enough pixels have, nearest first."""
        found = [_sigma(np.concatenate(self._depths_m[index]),
                        np.concatenate(self._errors_m[index])) for index in sorted(self._errors_m)]
        return [item for item in found if item.pixels >= _LEAST_PIXELS]

    def correlation(self) -> NDArray[np.float64]:
        """Return the correlation (MAX_LAG_PX + 1,) of errors at 0, 1, ... pixels apart."""
        covariance = self._products / np.maximum(self._pairs, 1)
        return covariance / max(float(covariance[0]), 1e-30)

    def _correlate(self, wall: Wall) -> None:
        """Add the products of pairs of pixels along rows and columns (Wiener-Khinchin)."""
        scaled = wall.error_m / (max(wall.sigma_per_m, 1e-12) * wall.depth_m ** 2)
        scaled = np.where(wall.inside, np.clip(scaled, -_CLIP_SIGMAS, _CLIP_SIGMAS), 0.0)
        self._products += _lagged_sums(scaled)
        self._pairs += _lagged_sums(wall.inside.astype(np.float64))


def _sigma(depth_m: NDArray[np.float64], error_m: NDArray[np.float64]) -> DepthSigma:
    return DepthSigma(depth_m=float(np.median(depth_m)), pixels=len(error_m),
                      sigma_m=MAD_SIGMA * float(np.median(np.abs(error_m))))


def _lagged_sums(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums (MAX_LAG_PX + 1,) of products of pixels so far apart in rows or columns."""
    size = tuple(fft.next_fast_len(side + MAX_LAG_PX + 1) for side in image.shape)
    sums = fft.irfft2(np.abs(fft.rfft2(image, s=size)) ** 2, s=size)
    lags: NDArray[np.float64] = sums[0, :MAX_LAG_PX + 1] + sums[:MAX_LAG_PX + 1, 0]
    return lags
