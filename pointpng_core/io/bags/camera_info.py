"""sensor_msgs/CameraInfo (rclpy's or rosbags', ROS 1 too) to the intrinsics of its images."""

from collections.abc import Sequence
import functools
import math
import operator
from typing import Any

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.io.bags.message_fields import MALFORMED, unsigned

_COEFFICIENTS = {'': 5, 'none': 5, 'plumb_bob': 5, 'rational_polynomial': 8}
"""Distortion models, and how many coefficients they have."""
_RECTIFIED = 'rect'
Intrinsics = tuple[float, float, float, float]
Window = tuple[int, int, int, int, int, int]


def sibling_info_topic(image_topic: str) -> str:
    """Return `camera_info` beside an image topic, where image_transport expects it."""
    folder, slash, _ = image_topic.rpartition('/')
    return f'{folder}{slash}camera_info'


def names_rectified(image_topic: str) -> bool:
    """Return whether the name of a topic says that its images are rectified: `image_rect...`."""
    return _RECTIFIED in image_topic.rpartition('/')[2]


def decode_camera(message: Any, *, rectified: bool) -> PinholeCamera:
    """Return the camera of the images that a CameraInfo belongs to.

    Rectified images have the focal lengths and the centre of P and no distortion, as
    depth_image_proc takes them; others have K and the distortion D (plumb_bob or
    rational_polynomial). Region of interest and binning are applied as by image_geometry: the
    centre moves by the offset, then everything is divided by the binning. Equal messages give the
    same object, whose rays are computed once. Raises CloudError, and nothing else, for a camera
    that is not calibrated, has another distortion model, or values that are impossible.
    """
    try:
        intrinsics = _projection(message) if rectified else _intrinsics(message)
        return _camera(intrinsics, () if rectified else _lens(message), _window(message))
    except MALFORMED as error:
        raise CloudError(f'malformed CameraInfo ({type(error).__name__}: {error}); check the '
                         'driver that publishes it') from error
    except ConfigError as error:
        raise CloudError(f'CameraInfo: {error}; calibrate the camera') from error


def _matrix(message: Any, name: str, size: int) -> list[float]:
    """Return a matrix row by row; ROS 1 writes the names in capitals."""
    values = getattr(message, name, None)
    values = [float(value) for value in (getattr(message, name.upper()) if values is None
                                         else values)]
    if name != 'd' and len(values) != size:
        raise CloudError(f'CameraInfo: {name} holds {len(values)} numbers: expected {size}')
    return values


def _intrinsics(message: Any) -> Intrinsics:
    """Return fx, fy, cx, cy of K."""
    fx, _, cx, _, fy, cy, *_ = _matrix(message, 'k', 9)
    _check_focal('k', fx, fy)
    return fx, fy, cx, cy


def _projection(message: Any) -> Intrinsics:
    """Return fx, fy, cx, cy of P."""
    fx, _, cx, _, _, fy, cy, *_ = _matrix(message, 'p', 12)
    _check_focal('p', fx, fy)
    return fx, fy, cx, cy


def _check_focal(name: str, fx: float, fy: float) -> None:
    if not (0 < fx < math.inf and 0 < fy < math.inf):
        raise CloudError(f'CameraInfo without focal lengths: {name} has fx = {fx:g}, fy = {fy:g} '
                         'px: the driver has no calibration; calibrate the camera, or let the '
                         'driver publish what it knows')


def _lens(message: Any) -> tuple[float, ...]:
    """Return the distortion coefficients of PinholeCamera; () when all are 0."""
    values = _stripped(_matrix(message, 'd', 0))
    model = message.distortion_model
    if not values:
        return ()
    if len(values) > _COEFFICIENTS.get(model, 0):
        raise CloudError(f'CameraInfo: distortion model {str(model)[:40]!r} with {len(values)} '
                         'coefficients: plumb_bob (5) and rational_polynomial (8) are understood; '
                         'use the rectified depth image (image_proc)')
    length = next(length for length in (4, 5, 8) if len(values) <= length)
    return (*values, *(length - len(values)) * (0.0,))


def _stripped(values: Sequence[float]) -> list[float]:
    """Return the coefficients without the zeros at their end."""
    count = max((number for number, value in enumerate(values, start=1) if value != 0), default=0)
    return list(values[:count])


def _window(message: Any) -> Window:
    """Return width and height of the images, offset (x, y) and binning (x, y)."""
    roi = message.roi
    width, height = (unsigned(roi, name) or unsigned(message, name)
                     for name in ('width', 'height'))
    binning_x, binning_y = (max(1, operator.index(getattr(message, f'binning_{axis}')))
                            for axis in 'xy')
    if not width or not height:
        raise CloudError(f'CameraInfo of width {width} x height {height}: the driver must fill in '
                         'the size of the image')
    return (width // binning_x, height // binning_y, unsigned(roi, 'x_offset'),
            unsigned(roi, 'y_offset'), binning_x, binning_y)


@functools.lru_cache(maxsize=8)
def _camera(intrinsics: Intrinsics, distortion: tuple[float, ...], window: Window
            ) -> PinholeCamera:
    fx, fy, cx, cy = intrinsics
    width, height, x_offset, y_offset, binning_x, binning_y = window
    return PinholeCamera(
        width=width, height=height, fx=fx / binning_x, fy=fy / binning_y,
        cx=(cx - x_offset) / binning_x, cy=(cy - y_offset) / binning_y, distortion=distortion)
