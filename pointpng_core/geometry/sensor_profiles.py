"""Named depth cameras: how large their noise is, and how many neighbours share it.

The measured residuals were those of real depth images to the posed meshes of their objects: an
upper bound, since the errors of the poses and of the meshes are in them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from numpy.typing import NDArray

if TYPE_CHECKING:                    # torch takes a second to import, and nodes start without it
    from torch import Tensor

Depth = TypeVar('Depth', float, NDArray, 'Tensor')
NEAREST_M = 0.4
"""Distance from which on noise grows, as published for the Kinect."""
DEFAULT, CUSTOM = 'kinect', 'custom'


@dataclass(frozen=True, kw_only=True)
class SensorProfile:
    """The numbers of one depth camera; `DepthNoise` says what they mean."""

    axial_m: float
    axial_growth: float
    correlation_px: float = 0.0
    bias_sigmas: float = 0.0

    def noise_m(self, depth_m: Depth) -> Depth:
        """Return the standard deviation of the noise at depths of any shape, in metres."""
        return self.axial_m + self.axial_growth * (depth_m - NEAREST_M) ** 2


PROFILES = {
    # The axial noise of Nguyen, Izadi and Lovell (3DIMPVT 2012), independent from pixel to pixel,
    # which real cameras are not: what the simulated scenes and the confidence were made with.
    DEFAULT: SensorProfile(axial_m=0.0012, axial_growth=0.0019),
    # Stereo: z^2 times the error of disparity over focal length and baseline (Grunnet-Jepsen,
    # Sweetser and Woodfill, tuning guide of the D4xx): with .08 px, 415 px and 50 mm it is 1.6 mm
    # at .65 m and 3.9 mm at 1 m. Measured: YCB demo 1.6 to 3.7 mm at .57 to .75 m, DexYCB 1.2 to
    # 1.6 mm at .56 to .87 m; correlation .95 / .5 to .9 / .1 to .7 at 1 / 4 / 10 px; bias 0 to
    # 3.7 mm. `pointpng calibrate-sensor` on seven RealSense frames of two kinds of tables: axial_m
    # .0014 and .0007, axial_growth .0082 and .0051, correlation_px 13 and 11, bias 0 and .7 sigma.
    'realsense_d4xx': SensorProfile(axial_m=0.0015, axial_growth=0.0065, correlation_px=12.0,
                                    bias_sigmas=0.5),
    # Khoshelham and Oude Elberink (Sensors 2012): 1.4 mm at 1 m, growing with z^2. Measured:
    # YCB-Video (Xtion) 1.0 to 1.3 mm at .52 to .60 m, LM-O (Kinect) 2.0 to 4.8 mm at .94 to
    # 1.21 m; correlation .8 to .9 / .3 to .6 / 0 to .4 at 1 / 4 / 10 px; bias -1 to 6 mm.
    'structured_light': SensorProfile(axial_m=0.0010, axial_growth=0.0030, correlation_px=7.0,
                                      bias_sigmas=0.5),
    # Fankhauser et al. (ICAR 2015) for the Kinect v2: 1.5 - .5 z + .3 z^2 mm. That the driver's
    # filter spans about 2 px is an assumption, as is the size of the slow error, which reflections
    # between surfaces leave.
    'tof': SensorProfile(axial_m=0.0013, axial_growth=0.0003, correlation_px=2.0,
                         bias_sigmas=1.0)}
"""By name. The defaults of `DepthNoise` are those of DEFAULT, so that CUSTOM starts from there."""
PROFILE_NAMES = (*PROFILES, CUSTOM)
