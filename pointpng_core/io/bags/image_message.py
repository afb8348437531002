"""Depth and mask images (sensor_msgs/Image, rclpy's or rosbags') to arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.message_fields import MALFORMED, byte_array, unsigned
from pointpng_core.io.limits import MAX_MESSAGE_POINTS

DEPTH_UNIT_M = 0.001
"""Metres in a step of a 16-bit depth image: REP 118 says millimetres."""
_DEPTHS = {'16UC1': 'u2', 'mono16': 'u2', '32FC1': 'f4'}
_MASKS = {'8UC1': 'u1', 'mono8': 'u1', '8SC1': 'i1', '16UC1': 'u2', 'mono16': 'u2', '16SC1': 'i2',
          '32SC1': 'i4'}


def holds_depth(message: Any) -> bool:
    """Return whether the encoding of an image is one of depth images."""
    return message.encoding in _DEPTHS


def decode_depth(message: Any, *, unit_m: float = DEPTH_UNIT_M,
                 max_pixels: int = MAX_MESSAGE_POINTS) -> NDArray[np.float32]:
    """Return the depths (H, W) of a 16UC1, mono16 or 32FC1 image, metres along the optical axis.

    A step of the 16-bit encodings is `unit_m` metres; 32FC1 holds metres (REP 118). Where nothing
    was measured the image has 0, NaN or infinity, and so has the result. Either byte order and
    padded rows are read. Raises CloudError, and nothing else, for a message that is no such image
    or has more than `max_pixels`.
    """
    pixels = _decode(message, 'depth image', _DEPTHS, max_pixels)
    if pixels.dtype.kind == 'u':
        return pixels.astype(np.float32) * np.float32(unit_m)
    return pixels.astype(np.float32)


def decode_mask(message: Any, *, max_pixels: int = MAX_MESSAGE_POINTS) -> NDArray[np.bool_]:
    """Return the pixels (H, W) of a mask or label image that are not 0: those to use.

    Encodings: 8UC1, mono8, 8SC1, 16UC1, mono16, 16SC1 and 32SC1. Raises CloudError as
    `decode_depth`.
    """
    pixels: NDArray[np.bool_] = _decode(message, 'mask', _MASKS, max_pixels) != 0
    return pixels


def _decode(message: Any, what: str, encodings: dict[str, str], max_pixels: int) -> np.ndarray:
    try:
        return _pixels(message, what, encodings, max_pixels)
    except MALFORMED as error:
        raise CloudError(f'malformed {what} ({type(error).__name__}: {error}); check the node '
                         'that publishes it') from error


def _pixels(message: Any, what: str, encodings: dict[str, str], max_pixels: int) -> np.ndarray:
    """Return the pixels (H, W) in the type of the encoding; they share the message's memory."""
    height, width, step = (unsigned(message, name) for name in ('height', 'width', 'step'))
    if height == 0 or width == 0:
        raise CloudError(f'empty {what}: height {height} x width {width} holds no pixel')
    if height * width > max_pixels:
        raise CloudError(f'{what} of {height} x {width} pixels: more than the {max_pixels} '
                         'allowed; reduce its size or raise the limit (parameter max_points)')
    dtype = _dtype(message, what, encodings)
    row = width * dtype.itemsize
    if step < row:
        raise CloudError(f'{what}: step {step} is less than width {width} * {dtype.itemsize} '
                         f'bytes: the driver must set it to {row} or more')
    buffer = byte_array(message.data, promised='pixels')
    needed, full = (height - 1) * step + row, height * step
    if not needed <= len(buffer) <= full:
        raise CloudError(f'{what}: data holds {len(buffer)} bytes, but height {height} x step '
                         f'{step} is {full}: it is truncated, or step is wrong')
    return np.ndarray((height, width), dtype, buffer, 0, (step, dtype.itemsize))


def _dtype(message: Any, what: str, encodings: dict[str, str]) -> np.dtype:
    encoding = message.encoding
    if encoding not in encodings:
        raise CloudError(f'{what} of encoding {str(encoding)[:40]!r}: expected '
                         f'{", ".join(encodings)}; convert it, or choose another topic')
    return np.dtype(('>' if message.is_bigendian else '<') + encodings[encoding])
