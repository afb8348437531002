"""Depth images and CameraInfo, from arrays and from the messages of a bag.

The way back is `pointpng_core.io.bags.image_message` and `camera_info`.
"""

from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from pointpng_core.errors import CloudError
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_ros.messages.cloud_message import byte_data, ros_header

DEPTH_ENCODINGS = ('32FC1', '16UC1')
_MILLIMETRES = 1000
_MODELS = {0: 'plumb_bob', 4: 'plumb_bob', 5: 'plumb_bob', 8: 'rational_polynomial'}


def encode_depth(depth_m: np.ndarray, header: Header, *, encoding: str = '32FC1') -> Image:
    """Build a sensor_msgs/Image of depths (H, W) in metres, NaN where nothing was measured.

    '32FC1' holds metres and NaN; '16UC1' whole millimetres, and 0 for NaN and for what 16 bits
    cannot hold (REP 118). Raises CloudError for another encoding.
    """
    if encoding not in DEPTH_ENCODINGS:
        raise CloudError(f'depth encoding {encoding!r}: expected {" or ".join(DEPTH_ENCODINGS)}')
    if encoding == '32FC1':
        pixels = depth_m.astype('<f4')
    else:
        whole_mm = np.rint(np.nan_to_num(depth_m, nan=0.0, posinf=0.0) * _MILLIMETRES)
        pixels = np.where(whole_mm <= np.iinfo(np.uint16).max, whole_mm, 0).astype('<u2')
    return _image(pixels, header, encoding)


def encode_mask(labels: np.ndarray, header: Header) -> Image:
    """Build a sensor_msgs/Image of labels (H, W), 0 to 255, as 8UC1."""
    return _image(labels.astype(np.uint8), header, '8UC1')


def _image(pixels: np.ndarray, header: Header, encoding: str) -> Image:
    height, width = pixels.shape
    data = byte_data(pixels.reshape(-1).view(np.uint8).data)
    return Image(header=header, height=height, width=width, encoding=encoding, is_bigendian=0,
                 step=width * pixels.itemsize, data=data)


def camera_info(camera: PinholeCamera, header: Header) -> CameraInfo:
    """Return the CameraInfo of a camera's images, which are not rectified if it has distortion."""
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    return CameraInfo(
        header=header, width=camera.width, height=camera.height,
        distortion_model=_MODELS[len(camera.distortion)],
        d=list(camera.distortion) or [0.0] * 5, k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r=np.eye(3).reshape(-1), p=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0])


def ros_image(message: Any) -> Image:
    """Return rclpy's message for rosbags' Image (ROS 1 or 2), bytes and header unchanged."""
    return Image(header=ros_header(message.header), height=message.height, width=message.width,
                 encoding=message.encoding, is_bigendian=int(message.is_bigendian),
                 step=message.step, data=byte_data(message.data.data))


def ros_camera_info(message: Any) -> CameraInfo:
    """Return rclpy's message for rosbags' CameraInfo (ROS 1 has its matrices in capitals)."""
    d, k, r, p = (getattr(message, name) if hasattr(message, name)
                  else getattr(message, name.upper()) for name in 'dkrp')
    info = CameraInfo(
        header=ros_header(message.header), height=message.height, width=message.width,
        distortion_model=message.distortion_model, d=list(d), k=k, r=r, p=p,
        binning_x=message.binning_x, binning_y=message.binning_y)
    for name in ('x_offset', 'y_offset', 'height', 'width', 'do_rectify'):
        setattr(info.roi, name, getattr(message.roi, name))
    return info
