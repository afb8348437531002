"""Parameters of the augmentation of training clouds."""

from dataclasses import dataclass

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class AugmentConfig(Config):
    """Augmentation of views of whole surfaces. Lengths are in diameters of the object."""

    rotation: str = option('so3', help='Random rotation of each view: any, about z, or none.',
                           choices=('so3', 'z', 'none'))
    jitter: float = option(0.005, help='Standard deviation of the noise of a point.',
                           unit='diameters', low=0.0, high=0.2)
    scale_low: float = option(0.8, help='Smallest factor by which an object is stretched along '
                                        'each axis, the same for all its views.',
                              low=0.1, high=1.0)
    scale_high: float = option(1.25, help='Greatest factor of stretching.', low=1.0, high=10.0)
    crop_share: float = option(0.1, help='Share of objects whose views are cropped on one side.',
                               low=0.0, high=1.0)
    crop_depth: float = option(0.3, help='Greatest share that is cropped.', unit='share of points',
                               low=0.0, high=0.9)
    view_share: float = option(0.2, help='Share of objects with single views, as a camera sees '
                                          'them.', low=0.0, high=1.0)
    view_spread_rad: float = option(0.25, help='Angular spread of the viewing directions of one '
                                               'object.', unit='rad', low=0.0, high=3.15)

    def __post_init__(self) -> None:
        """Check the values, and that they fit together; raises ConfigError."""
        super().__post_init__()
        if self.crop_share + self.view_share > 1.0:
            raise ConfigError(f'AugmentConfig: crop_share = {self.crop_share} and view_share = '
                              f'{self.view_share} add up to more than 1')


@dataclass(frozen=True, kw_only=True)
class SensorConfig(Config):
    """Augmentation of camera views. Lengths are in diameters of the object."""

    occlusion: float = option(0.5, help='Greatest share of a view that is occluded.',
                              unit='share of points', low=0.0, high=0.9)
    occluded_share: float = option(0.4, help='Share of views with an occlusion.',
                                   low=0.0, high=1.0)
    leak: float = option(0.08, help='Greatest share of points of a neighbouring object.',
                         unit='share of points', low=0.0, high=0.5)
    leak_share: float = option(0.3, help='Share of views with such points.', low=0.0, high=1.0)
    depth_noise: float = option(0.03, help='Greatest standard deviation along the ray; it is '
                                           'distributed as the square of a uniform variable.',
                                unit='diameters', low=0.0, high=0.2)
    lateral_noise: float = option(0.006, help='Greatest standard deviation across the ray.',
                                  unit='diameters', low=0.0, high=0.2)
    scale: float = option(0.03, help='Greatest relative error of the scale of a view, as from '
                                     'a model of slightly different size.', low=0.0, high=1.0)
