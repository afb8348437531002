"""How training clouds differ from the stored objects."""

from dataclasses import dataclass

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class AugmentConfig(Config):
    """Lengths in diameters of the object."""

    rotation: str = option('so3', help='How each view is turned: anyhow, about z, or not.',
                           choices=('so3', 'z', 'none'))
    jitter: float = option(0.005, help='Standard deviation of the noise of a point.',
                           unit='diameters', low=0.0, high=0.2)
    scale_low: float = option(0.8, help='Least factor by which an object is stretched along '
                                        'each axis, the same for all its views.',
                              low=0.1, high=1.0)
    scale_high: float = option(1.25, help='Greatest such factor.', low=1.0, high=10.0)
    crop_share: float = option(0.1, help='Share of objects of which each view lacks a side.',
                               low=0.0, high=1.0)
    crop_depth: float = option(0.3, help='Most that is cut off.', unit='share of points',
                               low=0.0, high=0.9)
    view_share: float = option(0.2, help='Share of objects shown as a camera sees them, from '
                                          'one side.', low=0.0, high=1.0)
    view_spread_rad: float = option(0.25, help='How far the views of one object lie around its '
                                               'side.', unit='rad', low=0.0, high=3.15)

    def __post_init__(self) -> None:
        """Check the values, and that they fit together; raises ConfigError."""
        super().__post_init__()
        if self.crop_share + self.view_share > 1.0:
            raise ConfigError(f'AugmentConfig: crop_share = {self.crop_share} and view_share = '
                              f'{self.view_share} add up to more than 1')


@dataclass(frozen=True, kw_only=True)
class SensorConfig(Config):
    """How a camera's views differ from the objects. Lengths in diameters of the object."""

    occlusion: float = option(0.5, help='Most of a view that something in front of it hides.',
                              unit='share of points', low=0.0, high=0.9)
    occluded_share: float = option(0.4, help='Share of views of which something is hidden.',
                                   low=0.0, high=1.0)
    leak: float = option(0.08, help="Most of a view that are a neighbour's points.",
                         unit='share of points', low=0.0, high=0.5)
    leak_share: float = option(0.3, help='Share of views with such points.', low=0.0, high=1.0)
    depth_noise: float = option(0.03, help='Greatest standard deviation along the ray; it is '
                                           'drawn as the square of the distance would be.',
                                unit='diameters', low=0.0, high=0.2)
    lateral_noise: float = option(0.006, help='The same across the ray.', unit='diameters',
                                  low=0.0, high=0.2)
    scale: float = option(0.03, help='Greatest error of the scale of a view, for models of '
                                     'another size than the object.', low=0.0, high=1.0)
