"""A dataset in the BOP layout is read as it is meant: units, frames, order, what is optional."""

from helpers.bop import (
    BOX_MM,
    R_OBLIQUE,
    SIZE,
    TRUTH,
    depth_values,
    write_box,
    write_dataset,
    write_json,
)
import numpy as np
from PIL import Image
import pytest

from pointpng_core.errors import FileError
from pointpng_core.io.bop import BopDataset


def frames(dataset, **options):
    return {frame.image_id: frame for frame in BopDataset(dataset, **options).frames()}


def test_objects_are_in_metres_and_named(dataset):
    first, second = BopDataset(dataset).objects()
    assert (first.object_id, first.name) == (2, 'Tea_box_small')
    assert (second.object_id, second.name) == (7, 'obj_000007')
    np.testing.assert_allclose(first.mesh.vertices, BOX_MM / 1000, rtol=1e-6)
    assert len(first.mesh.faces) == 12
    assert first.diameter_m == pytest.approx(0.07483)


def test_frames_come_in_the_order_of_their_ids_with_poses_in_metres(dataset):
    found = list(BopDataset(dataset).frames())
    assert [(frame.scene_id, frame.image_id) for frame in found] == [(3, 4), (3, 11)]
    first, second = found[0].instances
    assert (first.object_id, second.object_id) == (2, 7)
    np.testing.assert_allclose(first.T_camera_object, [
        [0, -1, 0, 0.01], [1, 0, 0, 0.02], [0, 0, 1, 0.5], [0, 0, 0, 1]])
    np.testing.assert_allclose(second.T_camera_object[:3, :3], R_OBLIQUE)
    assert (first.visible_fraction, first.visible_pixels) == (0.75, 12)
    assert (second.visible_fraction, second.visible_pixels) == (None, 0)
    assert found[0].annotated
    assert found[1].annotated
    assert not found[1].instances


def test_the_camera_has_the_size_of_the_images(dataset):
    camera = frames(dataset)[4].camera
    assert (camera.width, camera.height) == SIZE
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (100, 110, 31.5, 23.5)


def test_depth_is_value_times_scale_in_mm(dataset):
    depth_m = frames(dataset)[4].depth_m()
    assert depth_m.dtype == np.float32
    np.testing.assert_allclose(depth_m, depth_values() * 0.5e-3, rtol=1e-6)
    assert (depth_m[:5] == 0).all()


def test_masks_and_colours_are_optional(dataset, scene):
    frame = frames(dataset)[4]
    mask = frame.mask_visible(0)
    assert mask.dtype == bool
    assert mask.sum() == 12
    assert mask[10:13, 20:24].all()
    assert frame.mask_visible(1) is None
    assert frame.mask(0) is None
    assert frame.rgb() is None
    (scene / 'rgb').mkdir()
    colours = np.random.default_rng(0).integers(0, 255, (*SIZE[::-1], 3)).astype(np.uint8)
    Image.fromarray(colours).save(scene / 'rgb' / '000004.png')
    np.testing.assert_array_equal(frame.rgb(), colours)
    Image.fromarray(colours[..., 0]).save(scene / 'rgb' / '000011.jpg')
    assert frames(dataset)[11].rgb().shape == (*SIZE[::-1], 3)


@pytest.mark.parametrize('dtype', [np.uint16, np.float32])
def test_depth_may_be_a_tiff(dataset, scene, dtype):
    (scene / 'depth' / '000004.png').unlink()
    Image.fromarray(depth_values().astype(dtype)).save(scene / 'depth' / '000004.tif')
    np.testing.assert_allclose(frames(dataset)[4].depth_m(), depth_values() * 0.5e-3, rtol=1e-6)


def test_rounded_rotations_become_rotations(dataset, scene):
    rounded = [{**TRUTH[1], 'cam_R_m2c': R_OBLIQUE.round(3).reshape(-1).tolist()}]
    write_json(scene / 'scene_gt.json', {'4': rounded})
    write_json(scene / 'scene_gt_info.json', {})
    R = frames(dataset)[4].instances[0].T_camera_object[:3, :3]
    np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(R, R_OBLIQUE, atol=1e-3)


def test_a_test_split_without_truth_is_not_an_empty_scene(dataset, scene):
    (scene / 'scene_gt.json').unlink()
    (scene / 'scene_gt_info.json').unlink()
    frame = frames(dataset)[4]
    assert not frame.annotated
    assert frame.instances == ()


def test_the_depth_scale_may_stand_in_camera_json(dataset, scene):
    camera = {'cam_K': [100, 0, 31, 0, 100, 23, 0, 0, 1]}
    write_json(scene / 'scene_camera.json', {'4': camera})
    with pytest.raises(FileError, match='depth_scale'):
        frames(dataset)[4].depth_m()
    write_json(dataset / 'camera.json', {'depth_scale': 1.0})
    np.testing.assert_allclose(frames(dataset)[4].depth_m(), depth_values() * 1e-3, rtol=1e-6)


def test_the_folders_of_a_large_dataset_are_chosen(tmp_path):
    folder = write_dataset(tmp_path / 'large', models='models_cad', split='test_primesense')
    for name in ('models_eval', 'train_pbr', 'val', 'train_primesense'):
        (folder / name).mkdir()
    dataset = BopDataset(folder)
    assert (dataset.models, dataset.split) == ('models_cad', 'test_primesense')
    assert dataset.evaluation_models == 'models_eval'
    assert dataset.scene_ids == (3,)
    (folder / 'models_reconst').mkdir()
    with pytest.raises(FileError, match='models_cad, models_reconst'):
        BopDataset(folder)
    (folder / 'test_kinect').mkdir()
    with pytest.raises(FileError, match='test_kinect, test_primesense'):
        _ = BopDataset(folder, models='models_cad').split
    assert BopDataset(folder, 'val', 'models_cad').split == 'val'
    with pytest.raises(FileError, match='no scenes'):
        _ = BopDataset(folder, 'val', 'models_cad').scene_ids


def test_one_of_several_sensors_is_chosen(dataset, scene):
    for name in ('scene_camera', 'scene_gt', 'scene_gt_info'):
        (scene / f'{name}.json').rename(scene / f'{name}_photoneo.json')
    for name in ('depth', 'mask_visib'):
        (scene / name).rename(scene / f'{name}_photoneo')
    with pytest.raises(FileError, match='several sensors; choose one of photoneo'):
        frames(dataset)
    frame = frames(dataset, sensor='photoneo')[4]
    assert frame.depth_m().any()
    assert frame.mask_visible(0).any()
    assert len(frame.instances) == 2


def test_scenes_are_chosen_by_id(dataset):
    assert len(list(BopDataset(dataset).frames([3]))) == 2
    with pytest.raises(FileError, match=r'no scene 9; it has 3'):
        list(BopDataset(dataset).frames([9]))


def test_targets_are_read_where_they_are(dataset):
    assert BopDataset(dataset).targets() is None
    write_json(dataset / 'test_targets_bop19.json',
               [{'scene_id': 3, 'im_id': 4, 'obj_id': 7, 'inst_count': 2}])
    (target,) = BopDataset(dataset).targets()
    assert (target.scene_id, target.image_id, target.object_id, target.count) == (3, 4, 7, 2)


def test_names_that_two_objects_share_get_their_ids(dataset):
    write_json(dataset / 'models' / 'models_info.json', {
        '2': {'diameter': 75, 'name': 'box'}, '7': {'diameter': 75, 'name': 'box'}})
    assert [item.name for item in BopDataset(dataset).objects()] == ['box_2', 'box_7']


def test_other_meshes_of_the_same_objects_may_be_asked_for(dataset):
    (dataset / 'models_eval').mkdir()
    write_box(dataset / 'models_eval' / 'obj_000002.ply')
    write_json(dataset / 'models_eval' / 'models_info.json', {'2': {'diameter': 75}})
    (item,) = BopDataset(dataset).objects('models_eval')
    assert item.path.parent.name == 'models_eval'
    (same,) = BopDataset(dataset).evaluation_objects()
    assert same.path == item.path


def test_without_meshes_for_evaluation_there_are_no_other_objects(dataset):
    assert BopDataset(dataset).evaluation_objects() is None
