"""PointCloud2 messages (rclpy's or rosbags') to (N, 3) float32 arrays."""

from dataclasses import dataclass
import operator
from typing import Any

import numpy as np

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds.filtering import finite_rows
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.io.bags.message_fields import MALFORMED, byte_array, unsigned
from pointpng_core.io.limits import MAX_MESSAGE_POINTS

_FLOATS = {7: 'f4', 8: 'f8'}          # sensor_msgs/PointField: FLOAT32, FLOAT64
_TYPE_NAMES = {1: 'int8', 2: 'uint8', 3: 'int16', 4: 'uint16', 5: 'int32', 6: 'uint32',
               7: 'float32', 8: 'float64'}


@dataclass(frozen=True, kw_only=True)
class _Layout:
    height: int
    width: int
    point_step: int
    row_step: int
    offsets: tuple[int, int, int]
    dtypes: tuple[np.dtype, np.dtype, np.dtype]

    @property
    def needed_bytes(self) -> int:
        """Return the bytes up to the last point; the padding of the last row may be missing."""
        return (self.height - 1) * self.row_step + self.width * self.point_step

    @property
    def is_packed_float32(self) -> bool:
        """Return whether the data is already a C-ordered array of native float32 (N, 3)."""
        return (self.offsets == (0, 4, 8) and self.point_step == 12
                and self.row_step == 12 * self.width
                and all(dtype == np.float32 for dtype in self.dtypes))


def decode_cloud(message: Any, *, drop_non_finite: bool = False,
                 max_points: int = MAX_MESSAGE_POINTS) -> PointCloud:
    """Read x, y, z of a PointCloud2 by name: any order, offset, float type, byte order, padding.

    The points are float32 in the message's own frame and unit, and may share memory with it.
    `is_dense` is not trusted: `finite_share` in (0, 1] is measured. With `drop_non_finite` the
    points that hold NaN or infinity are left out (and with them the image shape). Memory use is
    proportional to the bytes that the message really holds.

    Raises CloudError, and nothing else, for a message that cannot be read, an empty cloud,
    one of more than `max_points` points, and one without a single finite point.
    """
    try:
        layout = _read_layout(message, max_points)
        buffer = byte_array(message.data, promised='points')
    except MALFORMED as error:
        raise CloudError(f'malformed PointCloud2 ({type(error).__name__}: {error}); '
                         'check the driver that publishes it') from error
    _check_size(layout, len(buffer))
    points = _gather(layout, buffer)
    finite = finite_rows(points)
    finite_count = int(np.count_nonzero(finite))
    if finite_count == 0:
        raise CloudError(f'all {len(points)} points are NaN or infinite: nothing was measured; '
                         "check the camera's view, range and depth stream")
    return _decoded(points, finite, finite_count, layout, drop_non_finite)


def _read_layout(message: Any, max_points: int) -> _Layout:
    height, width = unsigned(message, 'height'), unsigned(message, 'width')
    if height == 0 or width == 0:
        raise CloudError(f'empty cloud: height {height} x width {width} holds no point')
    if height * width > max_points:
        raise CloudError(f'cloud of {height} x {width} points: more than the {max_points} '
                         'allowed; downsample it or raise the limit (parameter max_points)')
    point_step, row_step = unsigned(message, 'point_step'), unsigned(message, 'row_step')
    if row_step < width * point_step:
        raise CloudError(f'row_step {row_step} is less than width {width} * point_step '
                         f'{point_step}: the driver must set it to {width * point_step} or more')
    fields = _coordinate_fields(message.fields)
    order = '>' if message.is_bigendian else '<'
    dtypes = [_coordinate_dtype(name, field, order) for name, field in zip('xyz', fields)]
    offsets = [unsigned(field, 'offset') for field in fields]
    for name, offset, dtype in zip('xyz', offsets, dtypes):
        if offset + dtype.itemsize > point_step:
            raise CloudError(f'field {name!r} at offset {offset} ({dtype.itemsize} bytes) reaches '
                             f'beyond point_step {point_step}')
    x, y, z = range(3)
    return _Layout(height=height, width=width, point_step=point_step, row_step=row_step,
                   offsets=(offsets[x], offsets[y], offsets[z]),
                   dtypes=(dtypes[x], dtypes[y], dtypes[z]))


def _coordinate_fields(fields: Any) -> list[Any]:
    by_name: dict[str, Any] = {}
    for field in fields:
        if field.name in by_name and field.name in ('x', 'y', 'z'):
            raise CloudError(f'field {field.name!r} is declared twice')
        by_name[field.name] = field
    missing = [name for name in 'xyz' if name not in by_name]
    if missing:
        raise CloudError(f'no field {", ".join(map(repr, missing))} among '
                         f'{[str(name)[:40] for name in list(by_name)[:20]]}: '
                         'a point cloud needs x, y and z')
    return [by_name[name] for name in 'xyz']


def _coordinate_dtype(name: str, field: Any, order: str) -> np.dtype:
    datatype, count = operator.index(field.datatype), operator.index(field.count)
    if datatype not in _FLOATS:
        raise CloudError(f'field {name!r} is of type {_TYPE_NAMES.get(datatype, datatype)}: '
                         'x, y and z must be float32 or float64 (metres)')
    if count not in (0, 1):          # old drivers write 0 for a scalar
        raise CloudError(f'field {name!r} has count {count}: expected one number a point')
    return np.dtype(order + _FLOATS[datatype])


def _check_size(layout: _Layout, size: int) -> None:
    full = layout.height * layout.row_step
    if size < layout.needed_bytes:
        raise CloudError(f'truncated cloud: data holds {size} bytes, height {layout.height} x '
                         f'row_step {layout.row_step} needs {full}')
    if size > full:
        raise CloudError(f'data holds {size} bytes, more than height {layout.height} x row_step '
                         f'{layout.row_step} = {full}: the steps do not describe this data')


def _gather(layout: _Layout, buffer: np.ndarray) -> np.ndarray:
    shape, strides = (layout.height, layout.width), (layout.row_step, layout.point_step)
    if layout.is_packed_float32:
        packed: np.ndarray = np.ndarray((*shape, 3), np.float32, buffer)
        return np.require(packed, None, ['C', 'A', 'W']).reshape(-1, 3)
    points = np.empty((*shape, 3), np.float32)
    with np.errstate(over='ignore', invalid='ignore'):    # float64 beyond float32 becomes inf
        for axis, (offset, dtype) in enumerate(zip(layout.offsets, layout.dtypes)):
            points[..., axis] = np.ndarray(shape, dtype, buffer, offset, strides)
    return points.reshape(-1, 3)


def _decoded(points: np.ndarray, finite: np.ndarray, finite_count: int, layout: _Layout,
             drop_non_finite: bool) -> PointCloud:
    image_shape = (layout.height, layout.width) if layout.height > 1 else None
    if drop_non_finite and finite_count < len(points):
        points, image_shape = points[finite], None
    return PointCloud(points=points, image_shape=image_shape,
                      finite_share=finite_count / len(finite))
