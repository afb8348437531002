"""The pinhole model of a depth camera."""

from dataclasses import dataclass
import functools

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import Config, option


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
    def rays(self) -> NDArray[np.float32]:
        """Return the rays (H, W, 3) of all pixels, scaled to z = 1: depth times ray is a point."""
        column = (np.arange(self.width) - self.cx) / self.fx
        row = (np.arange(self.height) - self.cy) / self.fy
        rays = np.ones((self.height, self.width, 3), dtype=np.float32)
        rays[..., 0], rays[..., 1] = column[None, :], row[:, None]
        return rays

    @functools.cached_property
    def ray_lengths(self) -> NDArray[np.float32]:
        """Return the lengths (H, W) of the rays."""
        lengths: NDArray[np.float32] = np.linalg.norm(self.rays, axis=-1)
        return lengths

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pixel coordinates (N, 2), column first, of points (N, 3) with z > 0."""
        flat = points[:, :2] / points[:, 2:]
        return flat * [self.fx, self.fy] + [self.cx, self.cy]

    def backproject(self, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return points (H, W, 3) of a depth image (H, W); NaN stays NaN in all coordinates."""
        return self.rays * depth_m[..., None]
