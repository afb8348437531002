"""Mutated depth images, masks, cameras and BOP files: refused, or read as what they are."""

import json
from pathlib import Path
import struct
import tempfile
import zlib

from helpers.bop import INFO, TRUTH, K, depth_values, write_dataset
from helpers.fuzzing import each_size, file_reader, fuzz
from helpers.mutations import mutated
import numpy as np
from PIL import Image
import pytest
import yaml

from pointpng_core.errors import FileError
from pointpng_core.io import read_camera, read_depth, read_mask
from pointpng_core.io.bop import BopDataset, BopResult, read_results, write_results
from pointpng_core.io.limits import MAX_PIXELS

SHAPE = (48, 64)
D = [0.1, -0.2, 0.001, -0.002, 0.05]
CAMERAS = [
    {'fx': 100.0, 'fy': 110, 'cx': 31.5, 'cy': 23.5, 'depth_scale': 0.1, 'width': 64,
     'height': 48},
    {'3': {'cam_K': K, 'depth_scale': 0.1}, '12': {'cam_K': K}},
    {'height': 48, 'width': 64, 'distortion_model': 'plumb_bob', 'd': D, 'k': K, 'binning_x': 0,
     'roi': {'width': 0, 'height': 0, 'x_offset': 0, 'y_offset': 0}},
    {'image_width': 64, 'image_height': 48, 'camera_matrix': {'data': K},
     'distortion_coefficients': {'data': D}},
    {'intrinsic_matrix': np.array(K).reshape(3, 3).T.ravel().tolist(), 'width': 64, 'height': 48}]
YAML_TOKENS = [b'&a [1, 2]', b'*a', b'<<: *a', b'!!python/object/apply:os.system [id]', b'{' * 400,
               b'- ' * 400, b'2026-99-99', b'.inf', b'.nan', b'!!binary x', b'? ', b'%YAML 9\n']
JSON_TOKENS = [b'[' * 3000, b'NaN', b'Infinity', b'1e999', b'null', b'"\\ud800"', b'{}', b'-1',
               b'true', b'1' * 5000]


def saved(array, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f'a{suffix}')
        if suffix == '.npy':
            np.save(path, array)
        else:
            Image.fromarray(array).save(path)
        return path.read_bytes()


DEPTH = depth_values().astype(np.uint16)
FLOATS = (DEPTH / 1000).astype(np.float32)
DEPTHS = {'.png': [saved(DEPTH, '.png')], '.tif': [saved(DEPTH, '.tif'), saved(FLOATS, '.tif')],
          '.npy': [saved(DEPTH, '.npy'), saved(FLOATS, '.npy')]}
MASK = (DEPTH > 1020).astype(np.uint8) * 255
MASKS = {'.png': [saved(MASK, '.png'), saved(np.stack(3 * [MASK], axis=2), '.png')],
         '.jpg': [saved(MASK, '.jpg')], '.npy': [saved(MASK, '.npy')]}


@each_size
@pytest.mark.parametrize('suffix', DEPTHS)
def test_depth_images(suffix, inputs):
    def read(path):
        depth_m = read_depth(path)
        assert depth_m.dtype == np.float32
        assert depth_m.ndim == 2
        assert 0 < depth_m.size <= MAX_PIXELS
        assert np.isfinite(depth_m).all()
        assert (depth_m >= 0).all()
        assert 0.05 <= np.median(depth_m[depth_m > 0]) <= 20
    fuzz(file_reader(read, f'a{suffix}'), mutated(DEPTHS[suffix]), inputs=inputs,
         valid=len(DEPTHS[suffix]), name=f'depth image {suffix}').check()


@each_size
@pytest.mark.parametrize('suffix', MASKS)
def test_masks(suffix, inputs):
    def read(path):
        mask = read_mask(path)
        assert mask.dtype == bool
        assert mask.ndim == 2
        assert mask.any()
    fuzz(file_reader(read, f'a{suffix}'), mutated(MASKS[suffix]), inputs=inputs,
         valid=len(MASKS[suffix]), name=f'mask {suffix}').check()


@each_size
@pytest.mark.parametrize('suffix', ['.json', '.yaml'])
def test_cameras(suffix, inputs):
    dump, tokens = ((json.dumps, JSON_TOKENS) if suffix == '.json' else
                    (yaml.safe_dump, YAML_TOKENS))
    seeds = [dump(content).encode() for content in CAMERAS]

    def read(path):
        found = read_camera(path, image_shape=SHAPE, frame=3)
        camera = found.camera
        assert camera.image_shape == SHAPE
        assert np.isfinite([camera.fx, camera.fy, camera.cx, camera.cy, *camera.distortion]).all()
        assert min(camera.fx, camera.fy) > 0
        assert found.depth_scale is None or 0 < found.depth_scale < np.inf
    fuzz(file_reader(read, f'a{suffix}'), mutated(seeds, tokens=tokens), inputs=inputs,
         valid=len(seeds), name=f'camera {suffix}').check()


def use_dataset(folder):
    """Read what a dataset says: objects, symmetries, frames, poses, images."""
    dataset = BopDataset(folder)
    for item in dataset.objects():
        assert item.symmetry is None or item.symmetry.elements is not None
    for frame in dataset.frames():
        frame.depth_m()
        for index, instance in enumerate(frame.instances):
            T = instance.T_camera_object
            np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-3)
            assert np.isfinite(T).all()
            frame.mask_visible(index)
    dataset.targets()


@each_size
@pytest.mark.parametrize('name', [
    'models/models_info.json', 'test/000003/scene_camera.json', 'test/000003/scene_gt.json',
    'test/000003/scene_gt_info.json', 'test_targets_bop19.json'])
def test_bop_json(tmp_path, name, inputs):
    folder = write_dataset(tmp_path / 'tiny')
    (folder / 'test_targets_bop19.json').write_text(json.dumps(
        [{'im_id': 4, 'inst_count': 1, 'obj_id': 2, 'scene_id': 3}]))
    info = json.loads((folder / 'models/models_info.json').read_text())
    info['2']['symmetries_continuous'] = [{'axis': [0, 0, 1], 'offset': [30, 20, 10]}]
    info['7']['symmetries_discrete'] = [np.eye(4).ravel().tolist()]
    (folder / 'models/models_info.json').write_text(json.dumps(info))
    assert len(info) == len(INFO)
    assert len(TRUTH) == 2
    path = folder / name

    def read(data):
        path.write_bytes(data)
        use_dataset(folder)
    fuzz(read, mutated([path.read_bytes()], tokens=JSON_TOKENS), inputs=inputs,
         name=f'BOP {path.name}').check()


@each_size
def test_bop_results(tmp_path, inputs):
    path = tmp_path / 'method_tiny-test.csv'
    write_results(path, [BopResult(scene_id=1, image_id=index, object_id=2, score=0.5,
                                   T_camera_object=np.eye(4), time_s=0.1) for index in range(3)])

    def read(found):
        for result in read_results(found):
            assert np.isfinite(result.T_camera_object).all()
    fuzz(file_reader(read, 'a.csv'), mutated([path.read_bytes()]), inputs=inputs,
         name='BOP results').check()


def test_a_small_png_that_declares_many_pixels_takes_no_memory():
    """8,000 x 8,000 pixels, within the limit of pixels, in the header of an image of 64 x 48."""
    header = b'IHDR' + struct.pack('>II', 8000, 8000) + DEPTHS['.png'][0][24:29]
    data = DEPTHS['.png'][0]
    data = data[:12] + header + struct.pack('>I', zlib.crc32(header)) + data[33:]
    report = fuzz(file_reader(read_mask, 'a.png'), lambda index: (MASKS['.png'][0], data)[index],
                  inputs=2, name='declared pixels', memory_bytes=50 << 20)
    assert (report.accepted, report.refused) == (1, 1), report.failures


@pytest.mark.parametrize('suffix', ['.png', '.tif'])
def test_an_image_that_grows_beyond_the_limit_is_refused_by_its_header(tmp_path, suffix):
    """16,000 x 16,000 zeros, 256 million pixels, fit in less than a megabyte."""
    path = tmp_path / f'a{suffix}'
    Image.new('L', (16000, 16000)).save(path, compression='tiff_deflate')
    data = path.read_bytes()
    assert len(data) < 1 << 20

    def refused(found):
        with pytest.raises(FileError, match='pixels'):
            read_mask(found)
    report = fuzz(file_reader(refused, path.name), lambda _: data, inputs=1, name='pixels',
                  memory_bytes=100 << 20)
    assert (report.accepted, report.failures) == (1, {})
