"""A depth image with its CameraInfo, and perhaps a mask, to the cloud that the camera saw."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.geometry.clouds.sensor_check import DISTANCE_RANGE_M
from pointpng_core.io.bags.camera_info import decode_camera
from pointpng_core.io.bags.image_message import DEPTH_UNIT_M, decode_depth, decode_mask
from pointpng_core.io.limits import MAX_MESSAGE_POINTS


def decode_depth_cloud(image: Any, camera_info: Any, mask: Any = None, *, rectified: bool,
                       unit_m: float = DEPTH_UNIT_M, max_points: int = MAX_MESSAGE_POINTS
                       ) -> PointCloud:
    """Return the organised cloud of a depth image, in its camera's optical frame.

    The arguments are those of `decode_depth`, `decode_camera` and `decode_mask`. Pixels without a
    reading, and those that the mask leaves out, are NaN. `finite_share` is that of the image,
    whatever the mask leaves of it. Raises CloudError, and nothing else, when a message cannot be
    used, the sizes differ, or no pixel has a reading.
    """
    depth_m = decode_depth(image, unit_m=unit_m, max_pixels=max_points)
    used = None if mask is None else decode_mask(mask, max_pixels=max_points)
    camera = decode_camera(camera_info, rectified=rectified)
    if depth_m.shape != camera.image_shape:
        raise CloudError(f'{_size("the depth image", depth_m.shape)}, but '
                         f'{_size("CameraInfo", camera.image_shape)} (region of interest and '
                         'binning included): they belong to different streams; name the '
                         'CameraInfo topic of this camera (camera_info_topic, --camera-info)')
    if used is not None and used.shape != depth_m.shape:
        raise CloudError(f'{_size("the mask", used.shape)}, but '
                         f'{_size("the depth image", depth_m.shape)}: use a depth image that is '
                         'registered to the camera of the mask')
    cloud = PointCloud.from_depth(depth_m, camera, mask=used)
    if not cloud.finite_share:
        raise CloudError(f'none of the {depth_m.size} pixels of the depth image has a reading: '
                         "check the camera's view, range and depth stream")
    _check_unit(depth_m, unit_m)
    return cloud


def _check_unit(depth_m: NDArray[np.float32], unit_m: float) -> None:
    measured_m = depth_m[(depth_m > 0) & np.isfinite(depth_m)]
    (low, high), median_m = DISTANCE_RANGE_M, float(np.median(measured_m))
    if not low <= median_m <= high:
        raise CloudError(f'the median depth of the image would be {median_m:.3g} m with '
                         f'{unit_m:g} m for one unit of its integers, but scenes are {low:g} to '
                         f'{high:g} m away: correct the unit (depth_unit_m, --depth-scale)')


def _size(what: str, shape: tuple[int, ...]) -> str:
    height, width = shape
    return f'{what} has {width} x {height} pixels'
