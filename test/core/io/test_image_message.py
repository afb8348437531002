"""Depth and mask images against a naive writer, and what is refused."""

import array
import struct
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.image_message import decode_depth, decode_mask

FORMATS = {'16UC1': 'H', 'mono16': 'H', '32FC1': 'f', '8UC1': 'B', 'mono8': 'B', '8SC1': 'b',
           '16SC1': 'h', '32SC1': 'i'}


def image(values, *, encoding='16UC1', big=False, padding=0):
    """Write (H, W) numbers with struct, one by one."""
    height, width = np.shape(values)
    size = struct.calcsize(FORMATS[encoding])
    step = width * size + padding
    data = bytearray(b'\xa5' * (height * step))
    for row, numbers in enumerate(values):
        for column, number in enumerate(numbers):
            struct.pack_into(('>' if big else '<') + FORMATS[encoding], data,
                             row * step + column * size, number)
    return SimpleNamespace(height=height, width=width, encoding=encoding, is_bigendian=int(big),
                           step=step, data=array.array('B', data))


MILLIMETRES = [[0, 1, 517], [1000, 9999, 65535]]


@settings(max_examples=50, deadline=None)
@given(encoding=st.sampled_from(['16UC1', 'mono16', '32FC1']), big=st.booleans(),
       padding=st.integers(0, 9))
def test_every_layout_reads_the_same_metres(encoding, big, padding):
    metres = np.array(MILLIMETRES) / 1000
    values = metres.tolist() if encoding == '32FC1' else MILLIMETRES
    depth_m = decode_depth(image(values, encoding=encoding, big=big, padding=padding))
    np.testing.assert_allclose(depth_m, metres, rtol=1e-7)
    assert depth_m.dtype == np.float32


def test_the_unit_is_that_of_16_bit_images_only():
    tenths = decode_depth(image(MILLIMETRES), unit_m=1e-4)
    np.testing.assert_allclose(tenths, np.array(MILLIMETRES) / 10_000, rtol=1e-6)
    np.testing.assert_array_equal(decode_depth(image([[0.5]], encoding='32FC1'), unit_m=1e-4),
                                  [[0.5]])


def test_pixels_without_a_reading_stay_what_they_are():
    values = [[float('nan'), float('inf'), 0.0]]
    np.testing.assert_array_equal(decode_depth(image(values, encoding='32FC1')), values)


@pytest.mark.parametrize('encoding', ['8UC1', 'mono8', '8SC1', '16UC1', 'mono16', '16SC1',
                                      '32SC1'])
@pytest.mark.parametrize('big', [False, True])
def test_every_label_but_0_is_used(encoding, big):
    labels = [[0, 1, 0], [7, 0, 100]]
    message = image(labels, encoding=encoding, big=big, padding=3)
    np.testing.assert_array_equal(decode_mask(message), np.array(labels) > 0)


def test_missing_padding_of_the_last_row_is_accepted():
    message = image(MILLIMETRES, padding=5)
    del message.data[-5:]
    np.testing.assert_allclose(decode_depth(message), np.array(MILLIMETRES) / 1000)


def changed(**values):
    message = image(MILLIMETRES)
    for name, value in values.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(('message', 'words'), [
    (changed(encoding='rgb8'), "encoding 'rgb8': expected 16UC1"),
    (changed(encoding='8UC1'), "encoding '8UC1'"),
    (changed(encoding=None), "encoding 'None'"),
    (changed(encoding=[]), 'malformed'),
    (changed(width=0), 'empty depth image'),
    (changed(width=2**31), 'more than the 8000000'),
    (changed(height=-1), 'unsigned 32-bit'),
    (changed(height=2.5), 'malformed'),
    (changed(step=5), 'step 5 is less than width 3'),
    (changed(step=7), '12 bytes'),
    (changed(data=bytes(11)), 'holds 11 bytes'),
    (changed(data=bytes(13)), 'holds 13 bytes'),
    (changed(data=b''), 'promise pixels'),
    (changed(data=[1] * 12), 'data is a list'),
    (SimpleNamespace(), 'malformed'),
    (None, 'malformed')])
def test_bad_images_are_refused_with_the_reason(message, words):
    with pytest.raises(CloudError, match=words):
        decode_depth(message)


def test_a_depth_image_in_metres_is_no_mask():
    with pytest.raises(CloudError, match="mask of encoding '32FC1': expected 8UC1"):
        decode_mask(image([[1.0]], encoding='32FC1'))
