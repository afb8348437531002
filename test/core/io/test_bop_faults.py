"""Every fault of a BOP dataset has an answer that names the file, the value and the remedy."""

import json

from helpers.bop import (
    INFO,
    SIZE,
    TRUTH,
    K,
    depth_values,
    write_box,
    write_depth,
    write_json,
)
import numpy as np
from PIL import Image
import pytest

from pointpng_core.errors import FileError
from pointpng_core.io import image_files
from pointpng_core.io.bop import BopDataset, json_files


def use(dataset):
    """Read everything that the dataset has."""
    opened = BopDataset(dataset)
    for item in opened.objects():
        _ = item.model, item.symmetry
    for frame in opened.frames():
        frame.depth_m()
        for index in range(len(frame.instances)):
            frame.mask_visible(index)


def refused(dataset, *words):
    with pytest.raises(FileError) as caught:
        use(dataset)
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, f'{missing} in {caught.value}'


def test_the_tiny_dataset_has_no_fault(dataset):
    use(dataset)


@pytest.mark.parametrize(('file', 'words'), [
    ('models/models_info.json', ['models_info.json is missing', 'diameter']),
    ('test/000003/scene_camera.json', ['scene_camera.json is missing', 'cam_K']),
    ('test/000003/depth/000011.png', ['has no image 11']),
])
def test_a_missing_file_is_named(dataset, file, words):
    (dataset / file).unlink()
    refused(dataset, *words)


@pytest.mark.parametrize('name', ['scene_camera', 'scene_gt', 'scene_gt_info'])
@pytest.mark.parametrize(('text', 'words'), [
    ('{"4": ', ['not valid JSON']),
    ('[1, 2]', ['expected {"key"', 'got list']),
    ('{"four": []}', ['four', 'must be an id']),
    ('{"4": 7}', ['image 4', 'expected']),
    ('[' * 100_000, ['not valid JSON']),
    ('\udcff', ['not valid JSON']),
])
def test_json_of_another_kind_is_refused(dataset, scene, name, text, words):
    (scene / f'{name}.json').write_bytes(text.encode('utf-8', 'surrogateescape'))
    refused(dataset, f'{name}.json', *words)


@pytest.mark.parametrize(('change', 'words'), [
    ({'cam_R_m2c': [0, -1, 0, 1, 0.02, 0, 0, 0, 1]}, ['not a rotation', 'object 0', 'cam_R_m2c']),
    ({'cam_R_m2c': [0, 1, 0, 1, 0, 0, 0, 0, 1]}, ['reflection', 'cam_R_m2c']),
    ({'cam_R_m2c': [1, 0, 0]}, ['9 finite numbers', '[1, 0, 0]']),
    ({'cam_R_m2c': [float('nan')] * 9}, ['9 finite numbers', 'nan']),
    ({'cam_R_m2c': None}, ['9 finite numbers', 'None']),
    ({'cam_t_m2c': [0.01, 0.02, 0.5]}, ['in metres?', '0.0005', 'object 0']),
    ({'cam_t_m2c': [1e4, 0, 5e5]}, ['another unit']),
    ({'cam_t_m2c': ['1', '2', '3']}, ['3 finite numbers', "'1'"]),
    ({'cam_t_m2c': [10 ** 400, 0, 0]}, ['3 finite numbers']),
    ({'obj_id': 5}, ['obj_id', '5', 'obj_000005.ply', '2, 7']),
    ({'obj_id': True}, ['whole number', 'True']),
    ({'obj_id': -1}, ['whole number', '-1']),
    ({'obj_id': '2'}, ['whole number', "'2'"]),
])
def test_a_wrong_true_pose_is_refused(dataset, scene, change, words):
    write_json(scene / 'scene_gt.json', {'4': [{**TRUTH[0], **change}, TRUTH[1]]})
    refused(dataset, 'scene_gt.json, image 4', *words)


def test_a_true_pose_without_a_rotation_is_refused(dataset, scene):
    write_json(scene / 'scene_gt.json', {'4': [{'obj_id': 2}, TRUTH[1]]})
    refused(dataset, 'image 4, object 0', 'has no "cam_R_m2c"')


@pytest.mark.parametrize(('change', 'words'), [
    ({'depth_scale': 0.0005}, ['median depth', '0.0005', '0.05 to 20 m']),
    ({'depth_scale': 1000}, ['median depth', '1000']),
    ({'depth_scale': 5}, ['annotated objects', '"depth_scale" 5']),
    ({'depth_scale': -1}, ['"depth_scale" is -1', 'above 0']),
    ({'depth_scale': 'mm'}, ['depth_scale', "'mm'", 'number']),
    ({'cam_K': [100, 3, 31, 0, 100, 23, 0, 0, 1]}, ['cam_K', '[fx, 0, cx']),
    ({'cam_K': [0, 0, 31, 0, 100, 23, 0, 0, 1]}, ['cam_K', 'fx = 0']),
    ({'cam_K': K[:4]}, ['cam_K', '9 finite numbers']),
])
def test_a_wrong_camera_is_refused(dataset, scene, change, words):
    write_json(scene / 'scene_camera.json', {'4': {'cam_K': K, 'depth_scale': 0.5, **change}})
    refused(dataset, *words)


def test_a_camera_that_is_no_pinhole_is_refused(dataset, scene):
    write_json(scene / 'scene_camera.json', {'4': {'cam_model': {'name': 'fisheye'}}})
    refused(dataset, 'cam_model', 'pinhole')


def test_visibility_of_other_objects_is_refused(dataset, scene):
    write_json(scene / 'scene_gt_info.json', {'4': [{'visib_fract': 0.5}]})
    refused(dataset, 'image 4 has 2 objects', 'scene_gt_info.json has 1')
    write_json(scene / 'scene_gt_info.json', {'4': [{'visib_fract': 75}, {}]})
    refused(dataset, 'visib_fract', '75', '[0, 1]')


def test_visibility_without_true_poses_is_refused(dataset, scene):
    (scene / 'scene_gt.json').unlink()
    refused(dataset, 'scene_gt.json is missing', 'scene_gt_info.json is there')
    write_json(scene / 'scene_gt_info.json', {'4': [], '11': []})
    use(dataset)


def test_a_mask_that_is_needed_is_named(dataset):
    frame = next(BopDataset(dataset).frames())
    assert frame.required_mask(0).sum() == 12
    with pytest.raises(FileError, match=r'mask_visib has no mask 000004_000001\.png'):
        frame.required_mask(1)


def test_a_mask_of_another_size_is_refused(dataset, scene):
    write_depth(scene / 'mask_visib' / '000004_000000.png', np.zeros((24, 32)), bits=8)
    refused(dataset, '000004_000000.png', '(24, 32)', '(48, 64)')


@pytest.mark.parametrize(('image', 'words'), [
    (np.zeros((*SIZE[::-1], 3), dtype=np.uint8), ['one channel', 'colour image']),
    (np.zeros(SIZE[::-1], dtype=np.uint8), ['8 bits per pixel']),
])
def test_an_image_that_is_no_depth_is_refused(dataset, scene, image, words):
    Image.fromarray(image).save(scene / 'depth' / '000004.png')
    refused(dataset, '000004.png', *words)


@pytest.mark.parametrize('share', [0.0, 0.01, 0.5, 0.9])
def test_an_image_cut_short_is_refused(dataset, scene, share):
    rng = np.random.default_rng(0)
    path = scene / 'depth' / '000004.png'
    write_depth(path, depth_values() + rng.integers(0, 300, SIZE[::-1]))
    content = path.read_bytes()
    path.write_bytes(content[:int(share * len(content))])
    refused(dataset, '000004.png', 'not a whole')


def test_negative_and_infinite_depths_are_no_readings(dataset, scene):
    (scene / 'depth' / '000004.png').unlink()
    depth = depth_values().astype(np.float32)
    depth[20, 20:23] = -1.0, np.inf, np.nan
    Image.fromarray(depth).save(scene / 'depth' / '000004.tif')
    depth_m = next(BopDataset(dataset).frames()).depth_m()
    assert depth_m[20, 20:23].tolist() == [0, 0, 0]
    assert depth_m[21] == pytest.approx(depth[21] * 0.0005)


def test_a_depth_image_without_a_reading_is_refused(dataset, scene):
    write_depth(scene / 'depth' / '000004.png', np.zeros(SIZE[::-1]))
    refused(dataset, '000004.png', 'no depth above 0')


def test_masks_of_hidden_objects_are_empty_and_may_have_colours(dataset, scene):
    colours = np.zeros((*SIZE[::-1], 3), dtype=np.uint8)
    for value in (0, 255):
        colours[3, 5, 1] = value
        Image.fromarray(colours).save(scene / 'mask_visib' / '000004_000000.png')
        mask = next(BopDataset(dataset).frames()).mask_visible(0)
        assert np.argwhere(mask).tolist() == [[3, 5]] * bool(value)


def test_large_files_are_refused_before_they_are_read(dataset, scene, monkeypatch):
    monkeypatch.setattr(image_files, 'MAX_PIXELS', 3000)
    refused(dataset, '64 x 48', '3000')
    monkeypatch.setattr(json_files, 'MAX_JSON_VALUES', 5)
    refused(dataset, 'values; no more than 5 are read')
    monkeypatch.setattr(json_files, 'MAX_JSON_BYTES', 20)
    refused(dataset, 'models_info.json', 'no more than 20')


@pytest.mark.parametrize(('scale', 'diameter', 'words'), [
    (1e-3, 74.8, ['obj_000007.ply', 'is its unit', 'm']),
    (1e-3, 0.0748, ['obj_000007.ply', 'is its unit', 'm']),
    (1.0, 0.0748, ['74.83 mm', '"diameter" 0.0748', 'millimetres']),
    (0.1, 74.8, ['7.483 mm', '"diameter" 74.8']),
    (1.0, 0, ['"diameter" is 0']),
])
def test_models_that_are_not_in_millimetres_are_refused(dataset, scale, diameter, words):
    write_box(dataset / 'models' / 'obj_000007.ply', scale=scale)
    write_json(dataset / 'models' / 'models_info.json', {**INFO, '7': {'diameter': diameter}})
    refused(dataset, *words)


def test_a_mesh_without_an_entry_is_refused(dataset):
    write_json(dataset / 'models' / 'models_info.json', {'2': INFO['2']})
    refused(dataset, 'no entry for 7')


@pytest.mark.parametrize(('entry', 'words'), [
    ({'symmetries_discrete': [[1, 0, 0]]}, ['symmetries_discrete[0]', '16 finite numbers']),
    ({'symmetries_discrete': [[2, *np.eye(4).reshape(-1).tolist()[1:]]]}, ['not a rigid motion']),
    ({'symmetries_discrete': 5}, ['a list']),
    ({'symmetries_discrete': [[]] * 1001}, ['1001 entries']),
    ({'symmetries_continuous': [{'axis': [0, 0, 0], 'offset': [0, 0, 0]}]}, ['no direction']),
    ({'symmetries_continuous': [{'axis': [0, 0, 1]}]}, ['symmetries_continuous[0]', '"offset"']),
    ({'name': 7}, ['"name" is 7', 'a text']),
])
def test_a_wrong_entry_of_an_object_is_refused(dataset, entry, words):
    write_json(dataset / 'models' / 'models_info.json', {**INFO, '7': {**INFO['7'], **entry}})
    refused(dataset, 'models_info.json, object 7', *words)


def test_a_folder_that_is_no_dataset_is_refused(dataset, tmp_path):
    with pytest.raises(FileError, match='not a folder'):
        BopDataset(tmp_path / 'nowhere')
    with pytest.raises(FileError, match='is it a BOP dataset'):
        BopDataset(dataset / 'test')
    with pytest.raises(FileError, match='give the folder above'):
        BopDataset(dataset / 'models')
    with pytest.raises(FileError, match='no meshes obj_000001'):
        BopDataset(dataset, models='test').objects()
    for name in ('../tiny/models', 'other', str(dataset / 'models')):
        with pytest.raises(FileError, match='no folder'):
            BopDataset(dataset, models=name)
        with pytest.raises(FileError, match='no folder'):
            _ = BopDataset(dataset, split=name).scene_ids


def test_targets_of_another_form_are_refused(dataset):
    path = dataset / 'test_targets_bop19.json'
    for content, word in (({}, 'a list of targets'), ([{'scene_id': 1}], '"im_id"')):
        path.write_text(json.dumps(content))
        with pytest.raises(FileError, match=word):
            BopDataset(dataset).targets()
