"""Scenes of dropped objects: visibility, masks and depth agree with the poses, and repeat."""

from dataclasses import replace
import sys

from helpers.objects import boxes
import numpy as np
import open3d as o3d
import pytest

from pointpng_core.errors import ConfigError, FileError, LibraryError, MissingDependencyError
from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.io.bop import BopDataset
from pointpng_core.io.object_library import ObjectModel
from pointpng_core.simulation.clutter.dataset import write_clutter
from pointpng_core.simulation.clutter.kinds import KINDS, Sizes, check_kinds, draw_layout
from pointpng_core.simulation.clutter.objects import clutter_objects

pytest.importorskip('mujoco', reason='needs MuJoCo (pip install the extra [sim])')
from pointpng_core.simulation.clutter.scenes import CAMERA, ClutterSimulator

HALF_TURN = Symmetry(elements=(Rotational.through((0, 0, 0.015), (0, 0, 1), order=2),))
MODELS = [ObjectModel(name=name, model=boxes((low, high)), symmetry=symmetry, path=None)
          for name, low, high, symmetry in (
              ('brick', (-0.05, -0.04, 0), (0.05, 0.04, 0.03), HALF_TURN),
              ('post', (0, 0, 0), (0.03, 0.05, 0.12), None))]
SMALL = replace(CAMERA, width=160, height=120, fx=143.75, fy=143.75, cx=79.5, cy=59.5)


@pytest.fixture(scope='module')
def objects():
    return clutter_objects(MODELS, cache=None)


@pytest.fixture(scope='module')
def pile(objects):
    return ClutterSimulator(objects, seed=3, camera=SMALL).frame('pile', 0, 0)


def naive_owners(frame, camera):
    """The object that each pixel of a camera shows, by one scene of all posed meshes."""
    scene = o3d.t.geometry.RaycastingScene()
    for index, T in zip(frame.chosen, frame.T_camera_objects):
        mesh = MODELS[index].model
        vertices = (mesh.vertices @ T[:3, :3].T + T[:3, 3]).astype(np.float32)
        scene.add_triangles(o3d.core.Tensor(vertices),
                            o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    rays = np.zeros((*camera.pinhole.image_shape, 6), dtype=np.float32)
    rays[..., 3:] = camera.pinhole.rays
    owners = scene.cast_rays(o3d.core.Tensor(rays))['geometry_ids'].numpy().astype(np.int64)
    return np.where(owners == scene.INVALID_ID, -1, owners)


def alone(frame, index):
    """The same frame with one object only."""
    return replace(frame, chosen=(frame.chosen[index],),
                   T_camera_objects=frame.T_camera_objects[[index]])


def test_visible_fractions_are_what_a_naive_count_gives(pile):
    wide = replace(SMALL, width=480, height=360, cx=SMALL.cx + 160, cy=SMALL.cy + 120)
    owners = naive_owners(pile, SMALL)
    assert len(pile.chosen) >= 4
    assert pile.visible_fraction.min() < 0.9
    for index in range(len(pile.chosen)):
        whole = naive_owners(alone(pile, index), wide) == 0
        assert abs(int(whole.sum()) - pile.image.pixels_all[index]) <= 3
        assert (whole[120:240, 160:320] != pile.image.masks[index]).sum() <= 3
        share = (owners == index).sum() / whole.sum()
        assert pile.visible_fraction[index] == pytest.approx(share, abs=0.02)


def test_depth_under_each_mask_lies_on_the_posed_model(pile):
    points = SMALL.pinhole.backproject(pile.depth_m)
    compared = 0
    for index, T in enumerate(pile.T_camera_objects):
        seen = points[pile.image.visible_masks[index] & np.isfinite(pile.depth_m)]
        mesh = MODELS[pile.chosen[index]].model
        scene = o3d.t.geometry.RaycastingScene()
        scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                            o3d.core.Tensor(mesh.faces.astype(np.uint32)))
        local = ((seen - T[:3, 3]) @ T[:3, :3]).astype(np.float32)
        distances = scene.compute_distance(o3d.core.Tensor(local)).numpy()
        if len(distances) < 20:
            continue
        compared += 1
        assert np.median(distances) < 0.003
        # At silhouettes the sensor reads the pixel beside.
        assert (distances < 0.01).mean() > 0.85
    assert compared >= 4


def test_objects_that_should_be_apart_do_not_hide_each_other_much(objects):
    frame = ClutterSimulator(objects, seed=1, camera=SMALL).frame('spaced', 0, 0)
    assert len(frame.chosen) >= 6
    assert set(frame.chosen) == {0, 1}
    assert np.median(frame.visible_fraction) > 0.9


def test_a_dataset_is_the_same_for_the_same_seed_whatever_the_other_kinds(tmp_path):
    one = write_clutter(tmp_path / 'one', MODELS, kinds=['side', 'single_bin'], frames=1, seed=5)
    assert write_clutter(tmp_path / 'two', MODELS, kinds=['single_bin', 'side'], frames=1,
                         seed=5) == one
    write_clutter(tmp_path / 'three', MODELS, kinds=['side'], frames=1, seed=5)
    write_clutter(tmp_path / 'four', MODELS, kinds=['side'], frames=1, seed=6)
    files = {name: {path.relative_to(tmp_path / name): path.read_bytes()
                    for path in (tmp_path / name).rglob('*') if path.is_file()}
             for name in ('one', 'two', 'three', 'four')}
    assert files['one'] == files['two']
    assert len(files['one']) > 10
    depth = next(path for path in files['three'] if 'depth' in path.parts)
    assert files['three'][depth] == files['one'][depth] != files['four'][depth]


def test_the_dataset_reads_back_as_the_frames_that_were_made(objects, tmp_path):
    figures = write_clutter(tmp_path / 'made', MODELS, kinds=['single_bin'], frames=1, seed=2)
    truth = ClutterSimulator(objects, seed=2).frame('single_bin', 0, 0)
    dataset = BopDataset(tmp_path / 'made')
    frame, = dataset.frames()
    assert [item.name for item in dataset.objects()] == ['brick', 'post']
    assert len(dataset.objects()[0].symmetry.transforms()) == 2
    assert figures['scenes']['4']['kind'] == 'single_bin'
    assert figures['instances'] == len(frame.instances) == len(truth.chosen)
    for index, instance in enumerate(frame.instances):
        assert instance.object_id == truth.chosen[index] + 1
        np.testing.assert_allclose(instance.T_camera_object, truth.T_camera_objects[index],
                                   atol=1e-9)
        assert instance.visible_fraction == pytest.approx(truth.visible_fraction[index])
        assert (frame.mask_visible(index) == truth.image.visible_masks[index]).all()
    assert np.abs(frame.depth_m() - np.nan_to_num(truth.depth_m)).max() < 5.1e-5


def test_layouts_have_the_promised_numbers_of_objects():
    sizes = Sizes(diameters_m=np.full(12, 0.1), footprints_m2=np.full(12, 0.004))
    layouts = {kind: [draw_layout(kind, frame, sizes, np.random.default_rng(frame))
                      for frame in range(12)] for kind in KINDS}
    counts = {kind: {len(layout.chosen) for layout in layouts[kind]} for kind in KINDS}
    assert counts['mixed_bin'] <= set(range(10, 13))
    assert counts['single_bin'] <= set(range(6, 11))
    assert all(len(set(layout.chosen)) == len(layout.chosen) for layout in layouts['mixed_bin'])
    assert all(len(set(layout.chosen)) == 1 for layout in layouts['single_bin'])
    shapes = [layout.scenery.half_y_m for layout in layouts['side'][:3]]
    assert len(set(shapes)) == 3


@pytest.mark.parametrize(('kinds', 'objects', 'error', 'message'), [
    (['spaced', 'heap'], 5, ConfigError, 'heap; choose among spaced, pile'),
    ([], 5, ConfigError, 'none; choose'),
    (['mixed_bin'], 7, LibraryError, r'needs 8 different objects, .* has 7; .*--kinds'),
    (['pile'], 0, LibraryError, 'no objects'),
])
def test_kinds_that_cannot_be_made_are_refused(kinds, objects, error, message):
    with pytest.raises(error, match=message):
        check_kinds(kinds, objects)


def test_an_existing_folder_and_a_failure_leave_nothing_behind(tmp_path, monkeypatch):
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'mine').touch()
    with pytest.raises(FileError, match='exists already'):
        write_clutter(tmp_path / 'full', MODELS, kinds=['pile'])
    monkeypatch.setattr(ClutterSimulator, 'frame', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_clutter(tmp_path / 'new', MODELS, kinds=['pile'])
    assert [path.name for path in tmp_path.iterdir()] == ['full']


def test_the_extra_is_named_where_mujoco_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mujoco', None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'pointpng_ros\[sim\]'"):
        write_clutter(tmp_path / 'new', MODELS, kinds=['pile'])
