"""The point cloud of one frame: points, the image they came from, and where the sensor was."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds.filtering import finite_rows
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.geometry.rigid_motion import inverse, is_rigid, looking_at, transform


@dataclass(frozen=True, kw_only=True, eq=False)
class PointCloud:
    """Points (N, 3) in metres, in any frame, with what is known of the sensor.

    `image_shape` is (height, width) of an organised cloud: row `r * width + c` of `points` is the
    pixel (c, r), non-finite where it has no reading. `T_cloud_sensor` (4, 4) is the pose of the
    sensor's optical frame (z forward, y down) in the frame of the points; None means that the
    points are in the optical frame itself, the camera at the origin. `finite_share` is the share
    of the sensor's readings that are points; 1 where nobody counted. Raises CloudError for arrays
    of another shape and for a T_cloud_sensor that is no rigid motion.
    """

    points: NDArray[np.floating]
    image_shape: tuple[int, int] | None = None
    T_cloud_sensor: NDArray[np.float64] | None = None
    finite_share: float = 1.0

    def __post_init__(self) -> None:
        """Check the shapes."""
        if self.points.ndim != 2 or self.points.shape[1] != 3:
            raise CloudError(f'points of shape {self.points.shape}: expected (N, 3)')
        if self.image_shape and self.image_shape[0] * self.image_shape[1] != len(self.points):
            raise CloudError(f'image_shape {self.image_shape} does not match '
                             f'{len(self.points)} points')
        if self.T_cloud_sensor is not None and not is_rigid(self.T_cloud_sensor):
            raise CloudError(f'T_cloud_sensor = {np.asarray(self.T_cloud_sensor).tolist()}: '
                             'expected a rigid motion (4, 4), the pose of the sensor')

    @classmethod
    def of(cls, cloud: 'PointCloud | NDArray[np.floating]') -> 'PointCloud':
        """Return a cloud as it is, and bare points (N, 3) as one with the camera at the origin."""
        return cloud if isinstance(cloud, cls) else cls(points=np.asarray(cloud))

    @classmethod
    def seen_from(cls, points: NDArray[np.floating],
                  position_m: Sequence[float] | NDArray[np.floating], *,
                  image_shape: tuple[int, int] | None = None) -> 'PointCloud':
        """Return the cloud of points (N, 3) that a sensor at a position (3,) measured.

        Position and points are in the same frame, whose z axis is up, as in base_link and map
        (REP 103). The sensor is taken to look at the centroid of the points, its image upright:
        how it was really turned about its position makes next to no difference. Raises CloudError.
        """
        bare = cls(points=points, image_shape=image_shape)
        finite = bare.finite_points
        if not len(finite):
            raise CloudError(f'none of the {len(points)} points is finite')
        T_cloud_sensor = looking_at(np.asarray(position_m, dtype=np.float64),
                                    finite.mean(axis=0, dtype=np.float64))
        return cls(points=bare.points, image_shape=image_shape, T_cloud_sensor=T_cloud_sensor)

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
        finite_share = float(valid.mean())
        if mask is not None:
            _check_size('mask', mask, camera)
            valid &= mask.astype(bool)
        points = camera.backproject(np.where(valid, depth_m, np.float32(np.nan)))
        return cls(points=points.reshape(-1, 3), image_shape=camera.image_shape,
                   finite_share=finite_share)

    @property
    def finite_points(self) -> NDArray[np.floating]:
        """Return the points (N, 3) that are readings."""
        return self.points[finite_rows(self.points)]

    @property
    def sensor_points(self) -> NDArray[np.floating]:
        """Return the points (N, 3) in the sensor's optical frame, the sensor at the origin."""
        if self.T_cloud_sensor is None:
            return self.points
        with np.errstate(invalid='ignore', over='ignore'):      # organised clouds hold NaN
            return transform(inverse(self.T_cloud_sensor), self.points).astype(np.float32)


def _check_size(what: str, image: NDArray[np.generic], camera: PinholeCamera) -> None:
    if image.shape != camera.image_shape:
        raise CloudError(f'the {what} has the shape {image.shape}, but the camera makes images of '
                         f'(height, width) = {camera.image_shape}')
