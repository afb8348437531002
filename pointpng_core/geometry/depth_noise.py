"""How depth cameras err: the one sensor model, of a named camera or of one's own numbers.

Simulation samples it; segmentation, verification and confidence measure distances in its
standard deviations.
"""

from dataclasses import dataclass, replace
import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.sensor_profiles import (
    CUSTOM,
    DEFAULT,
    PROFILE_NAMES,
    PROFILES,
    Depth,
    SensorProfile,
)

MAD_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
BIAS_PX = 60.0
"""Distance at which the slow error is down to 1/e: all of an object shares it."""
NUMBERS = ('axial_m', 'axial_growth', 'correlation_px', 'bias_sigmas')
_KINECT = PROFILES[DEFAULT]
Self = TypeVar('Self', bound='DepthNoise')


@dataclass(frozen=True, kw_only=True)
class DepthNoise(Config):
    """Noise of a depth camera: that of a profile, or with `custom`, that of the other options.

    The noise of two pixels d apart has the correlation exp(-d / correlation_px). A slow error, the
    bias, comes on top, with exp(-d / BIAS_PX). Raises ConfigError for numbers that contradict a
    profile.
    """

    profile: str = option(DEFAULT, choices=PROFILE_NAMES,
                          help='Depth camera. The other options of its noise count with custom '
                               'only; with a named camera they must be left as they are.')
    axial_m: float = option(_KINECT.axial_m, help='Standard deviation of depth at 0.4 m.',
                            unit='m', low=0, high=0.1)
    axial_growth: float = option(_KINECT.axial_growth, help='Its growth with (depth - 0.4 m)^2.',
                                 unit='1/m', low=0, high=0.1)
    correlation_px: float = option(
        _KINECT.correlation_px, unit='px', low=0, high=100,
        help='Distance of pixels at which the correlation of their noise is down to 1/e; 0: every '
             'pixel errs for itself.')
    bias_sigmas: float = option(
        _KINECT.bias_sigmas, unit='sigma', low=0, high=10,
        help='Standard deviation of a slow error, which regions of some 60 px share, in those of '
             'the noise.')

    def __post_init__(self) -> None:
        """Check the values, and that none contradicts the profile; raises ConfigError."""
        super().__post_init__()
        if self.profile == CUSTOM:
            return
        for name in NUMBERS:
            own, of_profile = getattr(self, name), getattr(PROFILES[self.profile], name)
            if own not in (getattr(_KINECT, name), of_profile):
                raise ConfigError(
                    f"{type(self).__name__}.{name} = {own:g} contradicts profile = "
                    f"'{self.profile}', whose value is {of_profile:g}: to use it, set profile = "
                    f"'{CUSTOM}'; for the profile, leave it at {getattr(_KINECT, name):g}")

    @classmethod
    def parse(cls: type[Self], text: str) -> Self:
        """Return what `PROFILE` or `axial_m=0.002,axial_growth=0.006,...` says.

        Numbers belong to `custom`, which may be written before them. Raises ConfigError.
        """
        first, *rest = text.split(',')
        named = '=' not in first
        words = rest if named else [first, *rest]
        values = dict(_number(word) for word in words)
        noise: Self = cls.from_mapping({'profile': first if named else CUSTOM, **values})
        return noise

    @property
    def model(self) -> SensorProfile:
        """Return the numbers that count: those of the profile, or one's own."""
        if self.profile != CUSTOM:
            return PROFILES[self.profile]
        return SensorProfile(**{name: getattr(self, name) for name in NUMBERS})

    @property
    def effective(self: Self) -> Self:
        """Return the same noise as `custom`, with the numbers that count."""
        numbers = {name: getattr(self.model, name) for name in NUMBERS}
        return replace(self, profile=CUSTOM, **numbers)

    def sigma_m(self, depth_m: Depth) -> Depth:
        """Return the standard deviation of depth, in metres, at depths of any shape.

        It is that of the noise and the slow error together. Depth is along the optical axis. Where
        a cloud is not known to come from an image, the distance from the camera stands for it: it
        is at most 16 % larger within 30 degrees of the axis.
        """
        model = self.model
        return math.hypot(1, model.bias_sigmas) * model.noise_m(depth_m)

    def correlation(self, distance_px: NDArray[np.floating] | float) -> NDArray[np.floating]:
        """Return the correlation of the errors of pixels at distances of any shape."""
        distance, model = np.asarray(distance_px, dtype=np.float64), self.model
        noise = (np.exp(-distance / model.correlation_px) if model.correlation_px
                 else (distance == 0).astype(np.float64))
        slow: NDArray[np.floating] = model.bias_sigmas ** 2 * np.exp(-distance / BIAS_PX)
        return (noise + slow) / (1 + model.bias_sigmas ** 2)

    def independent_readings(self, pixels: Depth) -> Depth:
        """Return how many independent readings connected regions of so many pixels are worth.

        The mean error of a region has the variance sigma^2 over this number, of at least 1 and at
        most the pixels. A region counts as a square; `pixels` is at least 1, of any shape.
        """
        model = self.model
        slow = model.bias_sigmas ** 2
        worth = _independent(pixels, model.correlation_px)
        if not slow:
            return worth
        return (1 + slow) / (1 / worth + slow / _independent(pixels, BIAS_PX))

    def with_sigma(self: Self, sigma_m: float, depth_m: float) -> Self:
        """Return this noise scaled to a standard deviation at a depth, both in metres.

        Raises ConfigError where there is no noise to scale, or where it grows beyond all bounds.
        """
        now_m = self.sigma_m(depth_m)
        if not now_m:
            raise ConfigError(f'a depth noise of 0 cannot be scaled to {sigma_m:g} m')
        return self.with_factor(sigma_m / now_m)

    def with_factor(self: Self, factor: float) -> Self:
        """Return this noise `factor` times as large at all depths."""
        own = self.effective
        return replace(own, axial_m=own.axial_m * factor, axial_growth=own.axial_growth * factor)


def _independent(pixels: Depth, length_px: float) -> Depth:
    """Return how many independent readings squares of pixels are worth at a correlation length.

    The isotropic correlation is replaced by a product over rows and columns of equal volume, for
    which the variance of the mean is known (Vanmarcke, Random Fields, 1983).
    """
    if not length_px:
        return pixels
    sides = pixels ** 0.5 / (length_px * math.sqrt(math.pi / 2))
    worth = (sides ** 2 / (2 * (sides - 1 + math.e ** -sides))) ** 2
    if isinstance(pixels, (int, float)):
        return min(worth, pixels)
    return worth.clip(max=pixels)


def _number(word: str) -> tuple[str, float]:
    """Return the name and the value of `NAME=VALUE`; raises ConfigError."""
    name, _, value = word.partition('=')
    try:
        return name.strip(), float(value)
    except ValueError as error:
        raise ConfigError(f'{word!r}: expected NAME=NUMBER, with the names '
                          f'{", ".join(NUMBERS)}') from error


KINECT_NOISE = DepthNoise()
"""Used where nothing is known of the camera."""

# Noise scales in diameters of the object, whatever its size.
SURFACE_NOISE_DIAMETERS = 0.01
"""Expected error of the points of a full or partial surface."""
MAX_NOISE_DIAMETERS = 0.05
"""With more noise than this share of the diameter, an object cannot be recognised anyway."""
LEAST_SIGMA_DIAMETERS = 0.002
"""No surface is known more accurately."""
