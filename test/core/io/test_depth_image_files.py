"""Depth images and masks as they are on disk: units, types, and what is refused."""

import numpy as np
from PIL import Image
import pytest

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io import read_depth, read_mask

DEPTH_M = np.linspace(0.4, 1.6, 48).reshape(6, 8).astype(np.float32)
DEPTH_M[0, 0] = 0.0


def saved(path, array):
    if path.suffix == '.npy':
        np.save(path, array)
    else:
        Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize(('name', 'dtype', 'mm', 'scale'), [
    ('d.png', np.uint16, 1.0, None), ('d.png', np.uint16, 0.1, 0.1), ('d.tiff', np.uint16, 1, 1.0),
    ('d.tif', np.float32, 1000, None), ('d.npy', np.float32, 1000, None),
    ('d.npy', np.float64, 1, 1.0), ('d.npy', np.uint16, 1, None), ('d.npy', np.int32, 0.1, 0.1)])
def test_every_kind_of_file_and_unit_gives_metres(tmp_path, name, dtype, mm, scale):
    values = DEPTH_M * (1000 / mm)
    path = saved(tmp_path / name, (values.round() if np.dtype(dtype).kind in 'iu' else values)
                 .astype(dtype))
    found = read_depth(path, depth_scale=scale)
    assert found.dtype == np.float32
    assert found == pytest.approx(DEPTH_M, abs=0.0006)
    assert found[0, 0] == 0


def test_what_is_no_reading_becomes_zero(tmp_path):
    values = DEPTH_M.copy()
    values[1, :4] = np.nan, np.inf, -np.inf, -1.0
    found = read_depth(saved(tmp_path / 'd.npy', values))
    assert found[1, :4].tolist() == [0, 0, 0, 0]
    assert found[2:] == pytest.approx(DEPTH_M[2:])


@pytest.mark.parametrize(('array', 'scale', 'message'), [
    ((DEPTH_M * 1000).astype(np.uint16), 1000.0, r'median depth would be .* 1000 mm per unit'),
    ((DEPTH_M * 1000).astype(np.uint16), 0.01, 'correct depth_scale .*: 1 for mm'),
    ((DEPTH_M * 1000).astype(np.float32), None, 'median depth'),
    (np.zeros((6, 8), np.uint16), None, 'no depth above 0'),
    (np.ones((6, 8), np.uint8), None, '8 bits per pixel'),
    (np.ones((6, 8, 3), np.uint16), None, 'colour image'),
    (np.ones((6, 8), np.complex64), None, 'complex64'),
    (np.ones((0, 8), np.uint16), None, r'shape \(0, 8\)')])
def test_wrong_units_and_arrays_are_named(tmp_path, array, scale, message):
    with pytest.raises(FileError, match=message):
        read_depth(saved(tmp_path / 'd.npy', array), depth_scale=scale)


@pytest.mark.parametrize('scale', [0, 0.0, -1.0, np.nan, np.inf])
def test_a_scale_that_is_not_positive_is_refused(tmp_path, scale):
    path = saved(tmp_path / 'd.npy', DEPTH_M)
    with pytest.raises(ConfigError, match=f'depth_scale = {scale}: must be positive'):
        read_depth(path, depth_scale=scale)


def test_images_that_are_no_depth_are_refused(tmp_path):
    with pytest.raises(FileError, match='8 bits'):
        read_depth(saved(tmp_path / 'grey.png', np.ones((6, 8), np.uint8)))
    with pytest.raises(FileError, match='colour'):
        read_depth(saved(tmp_path / 'rgb.png', np.ones((6, 8, 3), np.uint8)))
    whole = saved(tmp_path / 'd.png', (DEPTH_M * 1000).astype(np.uint16)).read_bytes()
    (tmp_path / 'cut.png').write_bytes(whole[:60])
    with pytest.raises(FileError, match='not a whole PNG'):
        read_depth(tmp_path / 'cut.png')
    (tmp_path / 'd.npy').write_bytes(b'\x93NUMPY\x01\x00')
    with pytest.raises(FileError, match='npy'):
        read_depth(tmp_path / 'd.npy')
    with pytest.raises(FileError, match='use one of'):
        read_depth(tmp_path / 'd.exr')


def test_an_array_that_is_larger_than_its_file_allocates_nothing(tmp_path):
    path = saved(tmp_path / 'd.npy', DEPTH_M)
    whole = path.read_bytes()
    for promise in (b'(600000, 800000), }', b'(6, 8'):                  # the second is cut short
        path.write_bytes(whole.replace(b'(6, 8), }' + b' ' * 10, promise.ljust(19)))
        with pytest.raises(FileError, match=r'declares|not a readable'):
            read_depth(path)


@pytest.mark.parametrize('on', [1, 7, 255])
@pytest.mark.parametrize('mode', ['L', 'RGB', 'RGBA', 'LA', '1'])
def test_a_mask_is_whatever_is_not_black(tmp_path, mode, on):
    grey = np.zeros((6, 8), np.uint8)
    grey[2, 3] = on
    image = Image.fromarray(grey)
    if mode == '1':
        image = Image.fromarray(grey > 0)
    elif mode != 'L':
        image = Image.merge('RGB', 3 * [image]).convert(mode) if 'RGB' in mode \
            else image.convert(mode)
    image.save(tmp_path / 'm.png')
    assert np.argwhere(read_mask(tmp_path / 'm.png')).tolist() == [[2, 3]]


def test_an_empty_mask_is_refused(tmp_path):
    with pytest.raises(FileError, match='0 everywhere'):
        read_mask(saved(tmp_path / 'm.png', np.zeros((6, 8), np.uint8)))
