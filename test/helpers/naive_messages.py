"""Messages decoded value by value with struct: what fast decoders must agree with."""

import struct

import numpy as np

FLOATS = {7: 'f', 8: 'd'}
PIXELS = {'16UC1': 'H', 'mono16': 'H', '32FC1': 'f'}


def naive_point(message, index):
    """The coordinates of one point of a PointCloud2, as float32."""
    row, column = divmod(index, message.width)
    start = row * message.row_step + column * message.point_step
    order = '>' if message.is_bigendian else '<'
    fields = {field.name: field for field in message.fields}
    with np.errstate(over='ignore', invalid='ignore'):
        return [np.float32(struct.unpack_from(order + FLOATS[fields[name].datatype],
                                              bytes(message.data), start + fields[name].offset)[0])
                for name in 'xyz']


def check_cloud(message, cloud, *, points=20):
    """Compare a decoded cloud with the message: its count, and some points spread over it."""
    count = message.height * message.width
    assert cloud.points.shape == (count, 3)
    assert cloud.points.dtype == np.float32
    assert 0 < cloud.finite_share <= 1
    assert cloud.finite_share == np.isfinite(cloud.points).all(axis=1).mean()
    for index in np.unique(np.linspace(0, count - 1, points).astype(int)):
        np.testing.assert_array_equal(cloud.points[index], naive_point(message, int(index)))


def check_depth(message, depth_m, *, unit_m, pixels=20):
    """Compare a decoded depth image with the message in some pixels."""
    assert depth_m.shape == (message.height, message.width)
    kind = PIXELS[message.encoding]
    form = ('>' if message.is_bigendian else '<') + kind
    for index in np.unique(np.linspace(0, depth_m.size - 1, pixels).astype(int)):
        row, column = divmod(int(index), message.width)
        value, = struct.unpack_from(form, bytes(message.data), row * message.step
                                    + column * struct.calcsize(form))
        expected = np.float32(value) * np.float32(unit_m) if kind == 'H' else np.float32(value)
        np.testing.assert_array_equal(depth_m[row, column], expected)
