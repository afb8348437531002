"""The PointCloud2 codec against a naive reader, rosbags' messages, and mutations."""

import array
import struct
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.pointcloud2 import decode_cloud

FORMATS = {7: 'f', 8: 'd'}
SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 8: 8}


def make_message(points, *, order='xyz', datatype=7, big=False, lead=0, gap=0, tail=0, row_pad=0,
                 shape=None):
    """Write (N, 3) points with struct, byte by byte, in the layout asked for."""
    height, width = shape or (1, len(points))
    size = SIZES[datatype]
    offsets = {name: lead + i * (size + gap) for i, name in enumerate(order)}
    step = lead + 3 * (size + gap) + tail
    data = bytearray(b'\xa5' * (height * (width * step + row_pad)))
    mark = '>' if big else '<'
    for i, point in enumerate(points):
        base = (i // width) * (width * step + row_pad) + (i % width) * step
        for name, value in zip('xyz', point):
            struct.pack_into(mark + FORMATS[datatype], data, base + offsets[name], value)
    fields = [SimpleNamespace(name=n, offset=o, datatype=datatype, count=1)
              for n, o in offsets.items()]
    return SimpleNamespace(height=height, width=width, fields=fields, is_bigendian=big,
                           point_step=step, row_step=width * step + row_pad,
                           data=array.array('B', data), is_dense=True)


def random_points(count=12, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


@settings(max_examples=200, deadline=None)
@given(order=st.permutations('xyz').map(''.join), datatype=st.sampled_from([7, 8]),
       big=st.booleans(), lead=st.integers(0, 5), gap=st.integers(0, 5), tail=st.integers(0, 5),
       row_pad=st.integers(0, 9), organised=st.booleans())
def test_every_layout_reads_the_same_points(order, datatype, big, lead, gap, tail, row_pad,
                                            organised):
    points = random_points()
    message = make_message(points, order=order, datatype=datatype, big=big, lead=lead, gap=gap,
                           tail=tail, row_pad=row_pad, shape=(3, 4) if organised else None)
    cloud = decode_cloud(message)
    np.testing.assert_array_equal(cloud.points, points)
    assert cloud.points.dtype == np.float32
    assert cloud.points.flags.c_contiguous
    assert cloud.points.flags.aligned
    assert cloud.image_shape == ((3, 4) if organised else None)
    assert cloud.finite_share == 1.0


def test_packed_float32_is_not_copied():
    message = make_message(random_points())
    assert np.shares_memory(decode_cloud(message).points, np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize('make', [bytes, bytearray, memoryview,
                                  lambda data: np.frombuffer(data, np.uint8)])
def test_any_buffer_of_bytes_is_read(make):
    message = make_message(random_points(), tail=4)
    message.data = make(message.data.tobytes())
    np.testing.assert_array_equal(decode_cloud(message).points, random_points())


def test_mixed_float_types_and_foreign_fields():
    data = struct.pack('<BdfHd', 9, 1.5, -2.5, 7, 3.5)
    fields = [SimpleNamespace(name='rgb', offset=13, datatype=4, count=1),
              SimpleNamespace(name='z', offset=15, datatype=8, count=1),
              SimpleNamespace(name='y', offset=9, datatype=7, count=0),
              SimpleNamespace(name='x', offset=1, datatype=8, count=1)]
    message = SimpleNamespace(height=1, width=1, fields=fields, is_bigendian=False, point_step=23,
                              row_step=23, data=data, is_dense=True)
    assert decode_cloud(message).points.tolist() == [[1.5, -2.5, 3.5]]


def test_missing_padding_of_the_last_row_is_accepted():
    message = make_message(random_points(), row_pad=7, shape=(3, 4))
    del message.data[-7:]
    np.testing.assert_array_equal(decode_cloud(message).points, random_points())


def test_non_finite_points_are_kept_or_dropped_whatever_is_dense_says():
    points = random_points()
    points[2, 1], points[5, 0], points[7, 2] = np.nan, np.inf, -np.inf
    message = make_message(points, shape=(3, 4))
    kept = decode_cloud(message)
    np.testing.assert_array_equal(kept.points, points)
    assert (kept.image_shape, kept.finite_share) == ((3, 4), 0.75)
    dropped = decode_cloud(message, drop_non_finite=True)
    np.testing.assert_array_equal(dropped.points, np.delete(points, [2, 5, 7], axis=0))
    assert (dropped.image_shape, dropped.finite_share) == (None, 0.75)


def test_a_double_beyond_float32_counts_as_infinite():
    message = make_message([[1e300, 0, 0], [1, 2, 3]], datatype=8)
    assert decode_cloud(message, drop_non_finite=True).points.tolist() == [[1, 2, 3]]


def changed(**values):
    message = make_message(random_points(), tail=4)
    for name, value in values.items():
        setattr(message, name, value)
    return message


def with_field(index, **values):
    message = changed()
    for name, value in values.items():
        setattr(message.fields[index], name, value)
    return message


@pytest.mark.parametrize(('message', 'words'), [
    (changed(width=0), 'empty cloud'),
    (changed(data=b''), 'data is empty'),
    (changed(data=[1, 2, 3]), 'data is a list'),
    (changed(data=None), 'malformed'),
    (changed(width=2**31), 'more than the'),
    (changed(width=-1), 'unsigned 32-bit'),
    (changed(height=2**40, width=2**40), 'unsigned 32-bit'),
    (changed(height=1.5), 'malformed'),
    (changed(row_step=3), 'row_step 3'),
    (changed(point_step=0), 'beyond point_step 0'),
    (changed(height=2), 'truncated'),
    (changed(row_step=500, data=bytes(100)), 'truncated'),
    (changed(data=bytes(1000)), 'steps do not describe'),
    (changed(fields=[]), "no field 'x', 'y', 'z'"),
    (changed(fields=None), 'malformed'),
    (changed(fields=[None]), 'malformed'),
    (with_field(1, name='why'), "no field 'y'"),
    (with_field(1, name='x'), 'declared twice'),
    (with_field(2, datatype=5), 'int32'),
    (with_field(2, datatype=99), '99'),
    (with_field(2, count=3), 'count 3'),
    (with_field(2, offset=2**32 - 1), 'beyond point_step'),
    (with_field(2, offset=2**70), 'unsigned 32-bit'),
    (make_message(np.full((4, 3), np.nan)), 'all 4 points'),
    (SimpleNamespace(), 'malformed'),
    (None, 'malformed'),
])
def test_bad_messages_are_refused_with_the_reason(message, words):
    with pytest.raises(CloudError, match=words):
        decode_cloud(message)


def test_too_many_points_for_the_limit():
    with pytest.raises(CloudError, match='max_points'):
        decode_cloud(changed(), max_points=11)


NUMBERS = st.one_of(st.integers(-2, 64), st.integers(-2**80, 2**80), st.just(2**32 - 1),
                    st.just(2**31), st.none(), st.floats(), st.text(max_size=3), st.booleans())
DATA = st.one_of(st.binary(max_size=300), st.none(), st.text(max_size=5), st.integers(),
                 st.lists(st.integers(0, 300), max_size=5), st.just(np.zeros((4, 12))),
                 st.just(np.zeros(96, np.uint8)[::2]), st.just(array.array('d', [1.0] * 24)))
FIELD = st.builds(SimpleNamespace, name=st.one_of(st.sampled_from(['x', 'y', 'z']), NUMBERS),
                  offset=NUMBERS, datatype=NUMBERS, count=NUMBERS)
FIELDS = st.one_of(st.lists(st.one_of(FIELD, st.none()), max_size=5), NUMBERS)
MUTATION = st.one_of(
    st.tuples(st.sampled_from(['height', 'width', 'point_step', 'row_step', 'is_bigendian']),
              NUMBERS),
    st.tuples(st.just('data'), DATA), st.tuples(st.just('fields'), FIELDS),
    st.tuples(st.sampled_from(['offset', 'datatype', 'count', 'name']), NUMBERS),
    st.tuples(st.just('cut'), st.integers(0, 300)), st.tuples(st.just('delete'), st.sampled_from(
        ['height', 'width', 'point_step', 'row_step', 'is_bigendian', 'data', 'fields'])))


def mutate(message, mutations, index):
    for name, value in mutations:
        if name == 'cut':
            message.data = getattr(message, 'data', None)
            message.data = message.data[:value] if isinstance(message.data, bytes) else b'x'
        elif name == 'delete':
            vars(message).pop(value, None)
        elif name in ('offset', 'datatype', 'count', 'name'):
            fields = getattr(message, 'fields', None)
            if isinstance(fields, list) and len(fields) > index and fields[index]:
                setattr(fields[index], name, value)
        else:
            setattr(message, name, value)
    return message


@settings(max_examples=2500, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutations=st.lists(MUTATION, min_size=1, max_size=4), index=st.integers(0, 2),
       tail=st.integers(0, 4))
def test_mutated_messages_give_points_or_cloud_error_only(mutations, index, tail):
    message = make_message(random_points(4), tail=tail, shape=(2, 2))
    message.data = message.data.tobytes()
    try:
        cloud = decode_cloud(mutate(message, mutations, index))
    except CloudError:
        return
    assert cloud.points.shape[1] == 3
    assert cloud.points.dtype == np.float32
    assert 0 < cloud.finite_share <= 1


def test_rosbags_messages_are_read_like_ours():
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    kind = store.types['sensor_msgs/msg/PointCloud2']
    field = store.types['sensor_msgs/msg/PointField']
    header = store.types['std_msgs/msg/Header'](
        stamp=store.types['builtin_interfaces/msg/Time'](sec=1, nanosec=2), frame_id='camera')
    ours = make_message(random_points(), tail=4, shape=(3, 4))
    message = kind(header=header, height=3, width=4, fields=[
        field(name=f.name, offset=f.offset, datatype=f.datatype, count=1) for f in ours.fields],
        is_bigendian=False, point_step=16, row_step=64,
        data=np.frombuffer(ours.data, np.uint8), is_dense=False)
    cdr = store.serialize_cdr(message, 'sensor_msgs/msg/PointCloud2')
    cloud = decode_cloud(store.deserialize_cdr(cdr, 'sensor_msgs/msg/PointCloud2'))
    np.testing.assert_array_equal(cloud.points, random_points())
