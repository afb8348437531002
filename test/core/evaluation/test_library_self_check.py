"""`pointpng objects check` and `show`: honest figures, warnings, and pictures of what is there."""

import dataclasses
import json
from pathlib import Path

from helpers.objects import boxes
from matplotlib.image import imread
import numpy as np
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.cli.objects.picture import HEAD_PX, PANEL_PX, save_object_picture
from pointpng_core.errors import FileError, LibraryError
from pointpng_core.estimation.confidence import MIN_CONFIDENCE
from pointpng_core.evaluation.library.self_check import TestPlan, check_library
from pointpng_core.evaluation.library.views import random_views
from pointpng_core.geometry import Symmetry
from pointpng_core.io import TriangleMesh, sample_surface
from pointpng_core.io.object_library import ObjectModel, named_object, write_library
from pointpng_core.simulation.noise import SensorErrors
from pointpng_core.simulation.shapes.catalogue import make_object

pytestmark = pytest.mark.long

FEW = TestPlan(views=6, seed=5)


def model_of(name, *, mesh=None, symmetry=None):
    return ObjectModel(name=name, model=make_object(name).mesh if mesh is None else mesh,
                       symmetry=symmetry, path=Path(f'{name}.ply'))


def scaled(mesh, factor):
    return TriangleMesh(vertices=mesh.vertices * factor, faces=mesh.faces)


def test_a_good_library_passes_and_the_seed_says_which_views(estimator):
    models = [model_of('drill'), model_of('box')]
    first, again, other = (check_library(estimator, models, dataclasses.replace(FEW, seed=seed))
                           for seed in (5, 5, 6))
    assert first == again
    assert first != other
    assert first['warnings'] == other['warnings'] == []
    for part in (first['objects']['drill'], first['objects']['box']):
        assert part['right'] == 1.0
        assert part['rotation_deg'] < 2
        assert part['shift_mm'] < 2
        assert part['taken_for'] == {}
        assert part['points'] > 2000


def test_similar_objects_give_a_warning(estimator):
    models = [model_of('drill'), model_of('twin', mesh=make_object('drill').mesh)]
    result = check_library(estimator, models, dataclasses.replace(FEW, views=12))
    parts = result['objects']
    mixed = parts['drill']['taken_for'].get('twin', 0) + parts['twin']['taken_for'].get('drill', 0)
    assert mixed >= 6
    assert any('looks like' in warning for warning in result['warnings'])
    wrong = 1 - (parts['drill']['right'] + parts['twin']['right']) / 2
    assert wrong == pytest.approx(mixed / 24)


@pytest.mark.parametrize(('mesh', 'message'), [
    (boxes(((0, 0, 0), (0.012, 0.009, 0.007))), 'too small for the camera'),
    (boxes(((0, 0, 0), (0.15, 0.10, 0.002))), 'mm thin, the noise of the depth'),
    (scaled(make_object('drill').mesh, 8.0), 'raise segmenter.max_segment_size_m'),
])
def test_what_the_camera_cannot_do_is_said(estimator, mesh, message):
    result = check_library(estimator, [model_of('plate', mesh=mesh)],
                           dataclasses.replace(FEW, views=2))
    assert any(message in warning for warning in result['warnings'])


def test_a_cloud_is_checked_as_well_as_a_mesh(estimator):
    cloud = sample_surface(make_object('drill').mesh, 8000, seed=2)[0]
    part = check_library(estimator, [model_of('drill', mesh=cloud)], FEW)['objects']['drill']
    assert part['right'] >= 0.8
    assert part['rotation_deg'] < 3


def test_views_show_the_true_pose(estimator, reference):
    """Without noise, the points at the true pose lie on the mesh; noise is that of the camera."""
    import open3d as o3d
    mesh, own = make_object('hammer').mesh, reference('hammer')
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices), o3d.core.Tensor(mesh.faces.astype('u4')))
    off = {}
    for noise in (0.0, 1.0):
        views = random_views(mesh, own, views=3, distance_m=0.7, seed=[1],
                             noise=SensorErrors().scaled(noise))
        for view in views:
            T = view.T_camera_object
            local = ((view.points - T[:3, 3]) @ T[:3, :3]).astype(np.float32)
            gaps = scene.compute_distance(o3d.core.Tensor(local)).numpy()
            off.setdefault(noise, []).append(gaps.mean())
            assert abs(np.linalg.norm(T[:3, :3] @ own.centre + T[:3, 3]) - 0.7) < 0.02
    assert max(off[0.0]) < 1e-5
    assert 3e-4 < np.mean(off[1.0]) < 3e-3


def test_the_command_writes_what_it_prints(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'cache'))
    write_library(tmp_path / 'cell', [model_of('drill', symmetry=Symmetry())])
    words = ['objects', 'check', '--library', str(tmp_path / 'cell'), '--views', '3']
    assert cli.main([*words, '--json', str(tmp_path / 'out.json')]) == 0
    said = capsys.readouterr().out
    result = json.loads((tmp_path / 'out.json').read_text())
    assert (result['views'], result['seed']) == (3, 0)
    assert result['threshold'] == pytest.approx(MIN_CONFIDENCE)
    assert [line.split()[0] for line in said.splitlines()[:2]] == ['object', 'drill']
    assert f'{result["objects"]["drill"]["right"]:.2f}' in said
    assert cli.main([*words, '--seed', '-1']) == 2
    assert '--seed -1: must be at least 0' in capsys.readouterr().err


@pytest.mark.parametrize('kind', ['mesh', 'cloud'])
def test_a_picture_has_four_panels_with_something_in_each(tmp_path, reference, kind):
    mesh = make_object('can').mesh
    model = mesh if kind == 'mesh' else sample_surface(mesh, 6000)[0]
    save_object_picture(tmp_path / 'can.png', model, reference('can'))
    image = imread(tmp_path / 'can.png')[..., :3]
    assert image.shape == (2 * PANEL_PX + HEAD_PX, 2 * PANEL_PX, 3)
    bluish = (image[..., 2] > image[..., 0] + 0.1) & (image[..., 2] > 0.25)
    amber = (image[..., 0] > 0.9) & (image[..., 2] < 0.5)
    for down in range(2):
        for right in range(2):
            panel = (slice(HEAD_PX + down * PANEL_PX, HEAD_PX + (down + 1) * PANEL_PX),
                     slice(right * PANEL_PX, (right + 1) * PANEL_PX))
            assert 0.02 < bluish[panel].mean() < 0.6
            assert amber[panel].any()


def test_pictures_that_cannot_be_written(tmp_path, reference):
    with pytest.raises(FileError, match='cannot write'):
        save_object_picture(tmp_path / 'gone' / 'x.png', make_object('can').mesh, reference('can'))
    with pytest.raises(FileError, match=r'cannot write.*xyz'):
        save_object_picture(tmp_path / 'x.xyz', make_object('can').mesh, reference('can'))


def test_one_object_is_read_whatever_is_wrong_with_the_others(tmp_path):
    write_library(tmp_path, [model_of('drill'), model_of('mug')])
    (tmp_path / 'mug.ply').unlink()
    assert named_object(tmp_path, 'drill').name == 'drill'
    with pytest.raises(LibraryError, match=r'no file .*mug\.ply'):
        named_object(tmp_path, 'mug')
    with pytest.raises(LibraryError, match="did you mean 'drill'"):
        named_object(tmp_path, 'dril')
