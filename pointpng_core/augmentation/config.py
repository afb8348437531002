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
