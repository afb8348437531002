"""How depth cameras err: the one sensor model, after Nguyen, Izadi and Lovell (3DIMPVT 2012).

Simulation samples it; segmentation, verification and confidence measure distances in its
standard deviations.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from numpy.typing import NDArray

from pointpng_core.config import Config, option

if TYPE_CHECKING:                    # torch takes a second to import, and nodes start without it
    from torch import Tensor

NEAREST_M = 0.4
"""Distance at which the published model begins."""
Depth = TypeVar('Depth', float, NDArray, 'Tensor')


@dataclass(frozen=True, kw_only=True)
class DepthNoise(Config):
    """Axial noise of a depth camera: the defaults are those of the first Kinect."""

    axial_m: float = option(0.0012, help='Standard deviation of depth at 0.4 m.', unit='m',
                            low=0, high=0.1)
    axial_growth: float = option(0.0019, help='Its growth with (depth - 0.4 m)^2.', unit='1/m',
                                 low=0, high=0.1)

    def sigma_m(self, depth_m: Depth) -> Depth:
        """Return the standard deviation of depth, in metres, at depths of any shape.

        Depth is along the optical axis. Where a cloud is not known to come from an image, the
        distance from the camera stands for it: it is at most 16 % larger within 30 degrees of the
        axis.
        """
        return self.axial_m + self.axial_growth * (depth_m - NEAREST_M) ** 2


KINECT_NOISE = DepthNoise()
"""Used where nothing is known of the camera."""

# Noise scales in diameters of the object, whatever its size.
SURFACE_NOISE_DIAMETERS = 0.01
"""Expected error of the points of a full or partial surface."""
MAX_NOISE_DIAMETERS = 0.05
"""With more noise than this share of the diameter, an object cannot be recognised anyway."""
LEAST_SIGMA_DIAMETERS = 0.002
"""No surface is known more accurately."""
