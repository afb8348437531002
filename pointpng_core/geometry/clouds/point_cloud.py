"""The point cloud of one frame: points, the image they came from, and where the sensor was."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.geometry.pinhole import PinholeCamera


@dataclass(frozen=True, kw_only=True, eq=False)
class PointCloud:
    """Points (N, 3) in metres, in any frame, with what is known of the sensor.

    `image_shape` is (height, width) of an organised cloud: row `r * width + c` of `points` is the
    pixel (c, r), non-finite where it has no reading. `T_cloud_sensor` (4, 4) is the pose of the
    sensor's optical frame (z forward, y down) in the frame of the points; None means that the
    points are in the optical frame itself, the camera at the origin. Raises CloudError for arrays
    of another shape.
    """

    points: NDArray[np.floating]
    image_shape: tuple[int, int] | None = None
    T_cloud_sensor: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        if self.points.ndim != 2 or self.points.shape[1] != 3:
            raise CloudError(f'points of shape {self.points.shape}: expected (N, 3)')
        if self.image_shape and self.image_shape[0] * self.image_shape[1] != len(self.points):
            raise CloudError(f'image_shape {self.image_shape} does not match '
                             f'{len(self.points)} points')

    @classmethod
    def from_depth(cls, depth_m: NDArray[np.floating], camera: PinholeCamera, *,
                   mask: NDArray[np.generic] | None = None) -> 'PointCloud':
        """Return the organised cloud of a depth image (H, W): metres along the optical axis.

        Pixels that are 0, negative or not finite have no reading. Pixels outside of `mask` (H, W),
        where it is 0 or False, are left out in the same way. Raises CloudError when the sizes of
        image, camera and mask differ.
        """
        _check_size('depth image', depth_m, camera)
        depth_m = depth_m.astype(np.float32)
        valid = np.isfinite(depth_m) & (depth_m > 0)
        if mask is not None:
            _check_size('mask', mask, camera)
            valid &= mask.astype(bool)
        points = camera.backproject(np.where(valid, depth_m, np.float32(np.nan)))
        return cls(points=points.reshape(-1, 3), image_shape=camera.image_shape)


def _check_size(what: str, image: NDArray[np.generic], camera: PinholeCamera) -> None:
    if image.shape != camera.image_shape:
        raise CloudError(f'the {what} has the shape {image.shape}, but the camera makes images of '
                         f'(height, width) = {camera.image_shape}')
