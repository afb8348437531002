"""Datasets that are written read back as they were, and appear whole or not at all."""

import json

from helpers.objects import boxes
import numpy as np
from PIL import Image
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import FileError
from pointpng_core.geometry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.io.bop import BopDataset
from pointpng_core.io.bop.writer import BopWriter, NewFrame, NewInstance, NewObject, new_dataset

CAMERA = PinholeCamera(width=8, height=6, fx=9.0, fy=9.5, cx=3.5, cy=2.5)
BOX = boxes(((-0.02, -0.01, 0), (0.02, 0.01, 0.05)))
CENTRE = (0.001, -0.002, 0.025)


def axis(direction, order):
    return Rotational.through(CENTRE, direction, order=order)


SYMMETRIES = {
    'unstated': None, 'none': Symmetry(),
    'box': Symmetry(elements=(axis((0, 0, 1), 2), axis((1, 0, 0), 2))),
    'cup': Symmetry(elements=(axis((0, 0, 1), CONTINUOUS),)),
    'can': Symmetry(elements=(axis((0, 0, 1), CONTINUOUS), axis((1, 0, 0), 2))),
    'ball': Symmetry(elements=(axis((0, 0, 1), CONTINUOUS), axis((1, 0, 0), CONTINUOUS)))}
OBJECTS = [NewObject(object_id=index, name=name, mesh=BOX, symmetry=symmetry)
           for index, (name, symmetry) in enumerate(SYMMETRIES.items(), 3)]


def random_instance(seed):
    rng = np.random.default_rng(seed)
    T = np.eye(4)
    T[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    T[:3, 3] = rng.uniform([-0.1, -0.1, 0.5], [0.1, 0.1, 0.9])
    mask = rng.random((6, 8)) < 0.5
    return NewInstance(object_id=3 + seed, T_camera_object=T, mask=mask, pixels_all=40,
                       mask_visible=mask & (rng.random((6, 8)) < 0.7))


def random_frame(seed):
    depth_m = np.random.default_rng(seed).uniform(0.4, 3, (6, 8)).astype(np.float32)
    depth_m[0, seed] = np.nan
    return NewFrame(depth_m=depth_m, instances=[random_instance(seed), random_instance(seed + 1)])


@pytest.fixture
def written(tmp_path):
    frames = [random_frame(seed) for seed in range(2)]
    with new_dataset(tmp_path / 'made', camera=CAMERA) as writer:
        writer.write_objects(OBJECTS)
        writer.write_scene(7, iter(frames))
        assert not (tmp_path / 'made').exists()
    return BopDataset(tmp_path / 'made'), frames


def test_frames_read_back(written):
    dataset, frames = written
    for image_id, (frame, expected) in enumerate(zip(dataset.frames(), frames, strict=True)):
        assert (frame.scene_id, frame.image_id, frame.camera) == (7, image_id, CAMERA)
        depth_m = frame.depth_m()
        assert np.abs(depth_m - np.nan_to_num(expected.depth_m)).max() < 5.1e-5
        assert depth_m[0, image_id] == 0
        for index, (one, other) in enumerate(zip(frame.instances, expected.instances,
                                                 strict=True)):
            assert one.object_id == other.object_id
            np.testing.assert_allclose(one.T_camera_object, other.T_camera_object, atol=1e-9)
            assert one.visible_pixels == other.mask_visible.sum()
            assert one.visible_fraction == pytest.approx(other.mask_visible.sum() / 40)
            assert (frame.mask_visible(index) == other.mask_visible).all()


def test_counts_and_boxes_are_those_of_the_toolkit(written):
    dataset, frames = written
    scene = dataset.folder / 'test' / '000007'
    entry = json.loads((scene / 'scene_gt_info.json').read_text())['1'][0]
    instance = frames[1].instances[0]
    rows, columns = np.nonzero(instance.mask)
    assert entry['bbox_obj'] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert entry['px_count_all'] == 40
    assert entry['px_count_valid'] == (instance.mask & np.isfinite(frames[1].depth_m)).sum()
    mask = np.asarray(Image.open(scene / 'mask' / '000001_000000.png'))
    assert (mask == 255 * instance.mask).all()
    asked = [(target.scene_id, target.image_id, target.object_id, target.count)
             for target in dataset.targets()]
    assert asked == [(7, 0, 3, 1), (7, 0, 4, 1), (7, 1, 4, 1), (7, 1, 5, 1)]


def test_objects_and_their_symmetries_read_back(written):
    dataset, _ = written
    turns = Rotation.random(20, random_state=1).as_matrix()
    for item, expected in zip(dataset.objects(), OBJECTS, strict=True):
        assert (item.object_id, item.name) == (expected.object_id, expected.name)
        np.testing.assert_allclose(item.mesh.vertices, BOX.vertices, atol=1e-8)
        assert item.diameter_m == pytest.approx(np.linalg.norm([0.04, 0.02, 0.05]))
        symmetry = expected.symmetry or Symmetry()
        for one, other in zip(turns[::2], turns[1::2]):
            assert item.symmetry.rotation_error_rad(one, other) == pytest.approx(
                symmetry.rotation_error_rad(one, other), abs=1e-6)
        for axis_read, axis_written in zip(item.symmetry.free_axes(), symmetry.free_axes(),
                                           strict=True):
            assert np.linalg.norm(np.cross(axis_read[0] - axis_written[0],
                                           axis_written[1])) < 1e-8


def test_what_is_too_far_for_16_bits_has_no_reading(tmp_path):
    depth_m = np.full((6, 8), 6.5535, dtype=np.float32)
    depth_m[1, 1] = 6.56
    with new_dataset(tmp_path / 'made', camera=CAMERA) as writer:
        writer.write_objects(OBJECTS)
        writer.write_scene(1, [NewFrame(depth_m=depth_m, instances=[])])
    frame, = BopDataset(tmp_path / 'made').frames()
    assert frame.depth_m()[1, 1] == 0
    assert frame.depth_m()[0, 0] == pytest.approx(6.5535)


def test_after_an_error_there_is_no_dataset(tmp_path):
    def broken():
        yield random_frame(0)
        raise ValueError('camera unplugged')
    with pytest.raises(ValueError, match='unplugged'), \
            new_dataset(tmp_path / 'made', camera=CAMERA) as writer:
        writer.write_scene(1, broken())
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_made_are_named(tmp_path):
    (tmp_path / 'file').write_text('x')
    for folder, message in ((tmp_path / 'file', 'exists already'),
                            (tmp_path / 'file' / 'below', 'cannot write .*below')):
        with pytest.raises(FileError, match=message), new_dataset(folder, camera=CAMERA):
            pytest.fail('it must not begin')
    with pytest.raises(FileError, match='without distortion'):
        BopWriter(tmp_path, camera=PinholeCamera(width=8, height=6, fx=9, fy=9, cx=3, cy=2,
                                                 distortion=(0.1, 0, 0, 0)))
