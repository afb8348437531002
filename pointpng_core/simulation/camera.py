"""The simulated depth camera: intrinsics and range."""

from dataclasses import dataclass
import functools

from pointpng_core.config import Config, option
from pointpng_core.geometry.pinhole import PinholeCamera


@dataclass(frozen=True, kw_only=True)
class DepthCamera(Config):
    """A depth camera, optical frame x right, y down, z forward; defaults as of a Kinect."""

    width: int = option(640, help='Image width.', unit='px', low=16, high=4096)
    height: int = option(480, help='Image height.', unit='px', low=16, high=4096)
    fx: float = option(525.0, help='Focal length along x.', unit='px', low=1)
    fy: float = option(525.0, help='Focal length along y.', unit='px', low=1)
    cx: float = option(319.5, help='Principal point, column.', unit='px')
    cy: float = option(239.5, help='Principal point, row.', unit='px')
    near_m: float = option(0.3, help='Nearest depth measured.', unit='m', low=0)
    far_m: float = option(3.5, help='Farthest depth measured.', unit='m', low=0)

    @functools.cached_property
    def pinhole(self) -> PinholeCamera:
        """Return the intrinsics, which project and backproject."""
        return PinholeCamera(width=self.width, height=self.height, fx=self.fx, fy=self.fy,
                             cx=self.cx, cy=self.cy)
