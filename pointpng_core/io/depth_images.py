"""Depth images in PNG, TIFF and npy files, in metres, and masks of objects in them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.geometry.clouds.sensor_check import DISTANCE_RANGE_M
from pointpng_core.io.array_files import read_array
from pointpng_core.io.files import check_regular, checked_path
from pointpng_core.io.image_files import read_pixels
from pointpng_core.io.limits import MAX_PIXELS
from pointpng_core.io.units import MM_PER_M

DEPTH_SUFFIXES = ('.png', '.tif', '.tiff', '.npy')
MASK_SUFFIXES = (*DEPTH_SUFFIXES, '.jpg', '.jpeg')
_MAX_NPY_BYTES = 32 * MAX_PIXELS + (1 << 16)
"""Of the largest image, with four colours of 8 bytes, and its header."""
INTEGER_SCALE, FLOAT_SCALE = 1.0, 1000.0
"""Millimetres of one unit where nobody says: whole numbers are in mm, others in metres."""


def read_depth(path: str | Path, *, depth_scale: float | None = None) -> NDArray[np.float32]:
    """Return the depths (H, W) of an image along the optical axis, metres, 0 for no reading.

    A PNG or TIFF has one channel of 16 or 32 bits, an npy file holds whole numbers or floats.
    `depth_scale` is the number of millimetres of one unit, as in BOP datasets; without it, whole
    numbers are millimetres and floats metres. Negative and non-finite values are no readings.
    Raises FileError, also when the median depth shows that the unit is wrong, and ConfigError for
    a scale that is not positive.
    """
    return depth_in_metres(path, read_depth_values(path), depth_scale=depth_scale)


def read_depth_values(path: str | Path) -> NDArray[np.generic]:
    """Return the values (H, W) of a depth image as stored; raises FileError."""
    path = checked_path(path, DEPTH_SUFFIXES)
    values = _values(path)
    if values.dtype.kind not in 'iuf':
        raise FileError(f'{path}: a depth image holds numbers, this one {values.dtype}')
    return values


def depth_in_metres(path: str | Path, values: NDArray[np.generic], *,
                    depth_scale: float | None = None) -> NDArray[np.float32]:
    """Return what `read_depth` does for the values of an image; `path` is named in errors."""
    if depth_scale is None:
        depth_scale = default_scale(values)
    if not 0 < depth_scale < np.inf:
        raise ConfigError(f'depth_scale = {depth_scale}: must be positive and finite, the '
                          'millimetres of one unit of the depth image')
    with np.errstate(over='ignore', invalid='ignore'):
        depth_m = values.astype(np.float32) * np.float32(depth_scale / MM_PER_M)
        depth_m[~((depth_m > 0) & (depth_m < np.inf))] = 0.0
    _check_unit(path, depth_m, depth_scale)
    return depth_m


def default_scale(values: NDArray[np.generic]) -> float:
    """Return the millimetres of one unit of a depth image where nobody says."""
    return FLOAT_SCALE if values.dtype.kind == 'f' else INTEGER_SCALE


def read_mask(path: str | Path, *, may_be_empty: bool = False) -> NDArray[np.bool_]:
    """Return a mask (H, W): True where the image is not 0, in any of its colours.

    Transparency does not count. Raises FileError, also for a mask that is 0 everywhere unless it
    `may_be_empty`.
    """
    path = checked_path(path, MASK_SUFFIXES)
    values = _values(path, depth=False)
    if values.ndim == 3:
        values = values[..., :3 if values.shape[2] > 2 else 1].astype(bool).max(axis=2)
    mask: NDArray[np.bool_] = values.astype(bool)
    if not (may_be_empty or mask.any()):
        raise FileError(f'{path}: the mask is 0 everywhere; the object must not be 0')
    return mask


def _values(path: Path, *, depth: bool = True) -> NDArray[np.generic]:
    """Return the values of an image (H, W), of a mask also (H, W, C)."""
    values = _array(path) if path.suffix.lower() == '.npy' else read_pixels(path)
    if values.ndim != 2 and (depth or values.ndim != 3):
        hint = '; is it a colour image?' if depth and values.ndim == 3 else ''
        raise FileError(f'{path} has the shape {values.shape}, but one channel (height, width) is '
                        f'needed{hint}')
    if values.size == 0 or values.size > MAX_PIXELS:
        raise FileError(f'{path} has the shape {values.shape}: up to {MAX_PIXELS} pixels are read')
    if depth and values.dtype.itemsize < 2:
        raise FileError(f'{path} has 8 bits per pixel, too few for depths; is it a mask, or a '
                        'picture of the depth image?')
    return values


def _array(path: Path) -> NDArray[np.generic]:
    check_regular(path, _MAX_NPY_BYTES)
    array = read_array(path)
    if array.dtype.kind not in 'biuf':
        raise FileError(f'{path}: an image holds numbers, this one {str(array.dtype)[:60]}')
    return array


def _check_unit(path: str | Path, depth_m: NDArray[np.float32], scale: float) -> None:
    measured = depth_m[depth_m > 0]
    if not measured.size:
        raise FileError(f'{path}: it has no depth above 0: no pixel has a reading')
    (low, high), median_m = DISTANCE_RANGE_M, float(np.median(measured))
    if not low <= median_m <= high:
        raise FileError(
            f'{path}: its median depth would be {median_m:.4g} m with {scale:g} mm per unit, but '
            f'cameras measure {low:g} to {high:g} m; correct depth_scale (--depth-scale), the '
            'millimetres of one unit: 1 for mm, 0.1 for tenths, 1000 for metres')
