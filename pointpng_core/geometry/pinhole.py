"""The pinhole camera with Brown-Conrady lens distortion, as in OpenCV and in CameraInfo."""

from dataclasses import dataclass
import functools
import math

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError

_COEFFICIENTS = (0, 4, 5, 8)
_SKEW_TOLERANCE_PX = 1e-3
_UNDISTORTIONS = 30
_UNDISTORTED_PX = 0.01
"""Where a ray projects back further from its pixel, the lens model has no ray for this pixel."""


def is_camera_matrix(K: NDArray[np.float64]) -> bool:
    """Return whether a matrix (3, 3) is [fx, 0, cx, 0, fy, cy, 0, 0, 1], but for a tiny skew."""
    rest = [abs(K[0, 1]) > _SKEW_TOLERANCE_PX, K[1, 0] != 0, (K[2] != [0, 0, 1]).any()]
    return not any(rest)


@dataclass(frozen=True, kw_only=True)
class PinholeCamera:
    """A camera's intrinsics in pixels; its optical frame has x right, y down and z forward.

    Pixel (column, row) is at the centre of the pixel, so the first pixel is (0, 0). `distortion`
    holds 0, 4, 5 or 8 coefficients in the order k1, k2, p1, p2, k3, k4, k5, k6: ROS's models
    `plumb_bob` and `rational_polynomial`. Raises ConfigError for impossible values.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ('width', 'height', 'fx', 'fy'):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f'camera: {name} = {value} px: must be positive and finite')
        for name in ('cx', 'cy', 'distortion'):
            value = getattr(self, name)
            if not np.isfinite(value).all():
                raise ConfigError(f'camera: {name} = {value}: must be finite')
        if len(self.distortion) not in _COEFFICIENTS:
            raise ConfigError(f'camera: {len(self.distortion)} distortion coefficients: expected '
                              '0, 4, 5 or 8 (k1, k2, p1, p2, k3, k4, k5, k6)')

    @property
    def image_shape(self) -> tuple[int, int]:
        """Return (height, width)."""
        return self.height, self.width

    @functools.cached_property
    def rays(self) -> NDArray[np.float32]:
        """Return the rays (H, W, 3) of all pixels, scaled to z = 1: depth times ray is a point.

        A ray is NaN where the distortion has no inverse: such coefficients were not fitted there.
        """
        columns = (np.arange(self.width) - self.cx) / self.fx
        rows = (np.arange(self.height) - self.cy) / self.fy
        rays = np.ones((self.height, self.width, 3), dtype=np.float32)
        rays[..., :2] = self._undistorted(np.stack(np.meshgrid(columns, rows), axis=-1))
        rays[np.isnan(rays).any(axis=-1)] = np.nan
        return rays

    @functools.cached_property
    def ray_lengths(self) -> NDArray[np.float32]:
        """Return the lengths (H, W) of the rays."""
        lengths: NDArray[np.float32] = np.linalg.norm(self.rays, axis=-1)
        return lengths

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pixel coordinates (..., 2), column first, of points (..., 3) with z > 0."""
        flat = self._distorted(points[..., :2] / points[..., 2:])
        return flat * [self.fx, self.fy] + [self.cx, self.cy]

    def backproject(self, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return points (H, W, 3) of depths (H, W) along z; NaN stays NaN in all coordinates."""
        return self.rays * depth_m[..., None]

    def _distorted(self, flat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where the lens shows x / z and y / z (..., 2)."""
        if not any(self.distortion):
            return flat
        factor, shift = self._lens(flat)
        return flat * factor + shift

    def _undistorted(self, seen: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return x / z and y / z (..., 2) of what the lens shows, NaN where there are none.

        The fixed-point iteration leaves solutions behind the radius at which a lens model folds
        back: it is not stable there. A negative factor would be a point on the other side.
        """
        if not any(self.distortion):
            return seen
        flat = seen
        with np.errstate(all='ignore'):              # it runs away where there is no solution
            factor, shift = self._lens(flat)
            for _ in range(_UNDISTORTIONS):
                flat = (seen - shift) / factor
                factor, shift = self._lens(flat)
                error_px = np.abs(flat * factor + shift - seen) * (self.fx, self.fy)
                valid = (error_px < _UNDISTORTED_PX).all(axis=-1) & (factor[..., 0] > 0)
                if valid.all() and error_px.max() < 1e-3 * _UNDISTORTED_PX:
                    break
        return np.where(valid[..., None], flat, np.nan)

    def _lens(self, flat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the radial factor (..., 1) and the tangential shift (..., 2) at x / z, y / z."""
        k1, k2, p1, p2, k3, k4, k5, k6 = (*self.distortion, *(8 - len(self.distortion)) * (0.0,))
        square = (flat ** 2).sum(axis=-1, keepdims=True)
        factor = (1 + square * (k1 + square * (k2 + square * k3))) / (
            1 + square * (k4 + square * (k5 + square * k6)))
        product = 2 * flat[..., :1] * flat[..., 1:]
        tangential = np.array([p2, p1]) * (square + 2 * flat ** 2) + np.array([p1, p2]) * product
        return factor, tangential
