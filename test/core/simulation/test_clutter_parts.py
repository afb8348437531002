"""Convex parts of meshes: close to the surface, cached, and a hull where they cannot be made."""

import logging

from helpers.objects import boxes
import numpy as np
import pytest
from scipy.spatial import ConvexHull

from pointpng_core.errors import CloudError, LibraryError, MissingDependencyError
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.io.object_library import ObjectModel
from pointpng_core.io.sealed_arrays import read_sealed, sealed
from pointpng_core.simulation.clutter import convex_parts as module
from pointpng_core.simulation.clutter.convex_parts import convex_parts
from pointpng_core.simulation.clutter.objects import clutter_objects
from pointpng_core.simulation.shapes.primitives import extrude
from pointpng_core.simulation.shapes.solids import polygonise

BOX = boxes(((0, 0, 0), (0.1, 0.05, 0.02)))


@pytest.fixture(scope='module')
def angle():
    """An L profile of two plates 20 mm thick: half of its hull is empty."""
    corners = [(0, 0), (0.1, 0), (0.1, 0.02), (0.02, 0.02), (0.02, 0.1), (0, 0.1)]
    return polygonise(extrude(corners, low_m=0, high_m=0.04), voxel_m=0.005)


def outside_m(parts, points):
    """Distances by which points are outside of the nearest part."""
    planes = [ConvexHull(part).equations for part in parts]
    return np.min([(plane[:, :3] @ points.T + plane[:, 3:]).max(axis=0) for plane in planes],
                  axis=0)


def test_a_convex_mesh_is_one_part_and_needs_no_decomposition(monkeypatch):
    monkeypatch.setattr(module, 'coacd_module', lambda: 'no.such.module')
    parts, = convex_parts([BOX], ['box'], folder=None)
    assert len(parts) == 1
    assert {tuple(corner) for corner in parts[0]} == {
        tuple(corner) for corner in BOX.vertices.astype(float)}


def test_parts_cover_the_surface_and_leave_hollows_free(angle, tmp_path, monkeypatch):
    pytest.importorskip('coacd', reason='needs CoACD (pip install the extra [sim])')
    parts, = convex_parts([angle], ['angle'], folder=tmp_path)
    assert outside_m(parts, sample_surface(angle, 2000)[0].astype(float)).max() < 0.002
    hollow = np.random.default_rng(0).uniform([0.025, 0.025, 0], [0.1, 0.1, 0.04], (500, 3))
    assert outside_m(parts, hollow).min() > 0
    # Made again they are the same; read from the folder, no process is started.
    again, = convex_parts([angle], ['angle'], folder=None)
    monkeypatch.setattr(module, 'coacd_module', lambda: 'no.such.module')
    stored, = convex_parts([angle], ['angle'], folder=tmp_path)
    for one, other, third in zip(parts, again, stored, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)


@pytest.mark.parametrize(('name', 'limit_s', 'message'), [
    ('no.such.module', 60, 'No module named'),
    (module.coacd_module(), 0.01, 'took more than 0.01 s'),
])
def test_without_a_decomposition_the_hull_is_used_and_said(angle, tmp_path, monkeypatch, caplog,
                                                          name, limit_s, message):
    monkeypatch.setattr(module, 'coacd_module', lambda: name)
    monkeypatch.setattr(module.importlib.util, 'find_spec', lambda name: name)
    with caplog.at_level(logging.WARNING):
        parts, = convex_parts([angle], ['angle'], folder=tmp_path, limit_s=limit_s)
    assert len(parts) == 1
    assert ConvexHull(parts[0]).volume == pytest.approx(ConvexHull(angle.vertices).volume)
    assert message in caplog.text
    assert 'angle' in caplog.text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('change', [
    lambda path, _: path.write_bytes(path.read_bytes()[:200]),
    lambda path, arrays: path.write_bytes(sealed(            # by who does not know the key
        {**arrays, 'vertices': arrays['vertices'] + 0.05}, key='')),
    lambda path, arrays: path.write_bytes(sealed(
        {**arrays, 'counts': np.array([[4, 4]])}, key=path.stem)),
    lambda path, arrays: path.write_bytes(sealed(
        {**arrays, 'vertices': arrays['vertices'] * np.nan}, key=path.stem)),
    lambda path, _: path.chmod(0o666)])
def test_parts_in_the_cache_that_were_changed_are_made_again(angle, tmp_path, monkeypatch, caplog,
                                                             change):
    made = (np.eye(4, 3), np.eye(4, 3) + 1)
    calls = []
    monkeypatch.setattr(module, '_decompose', lambda *_: calls.append(1) or made)
    convex_parts([angle], ['angle'], folder=tmp_path)
    path, = tmp_path.iterdir()
    change(path, read_sealed(path, key=path.stem))
    with caplog.at_level(logging.WARNING):
        parts, = convex_parts([angle], ['angle'], folder=tmp_path)
    np.testing.assert_array_equal(parts, made)
    assert len(calls) == 2
    assert 'are made again' in caplog.text
    convex_parts([angle], ['angle'], folder=tmp_path)
    assert len(calls) == 2


def test_the_extra_is_named_where_coacd_is_missing(angle, monkeypatch):
    monkeypatch.setattr(module.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"coacd: pip install 'pointpng_ros\[sim\]'"):
        convex_parts([angle], ['angle'], folder=None)


@pytest.mark.parametrize(('model', 'error', 'message'), [
    (BOX.vertices, LibraryError, 'is a cloud'),
    (TriangleMesh(vertices=1000 * BOX.vertices, faces=BOX.faces), LibraryError, 'mm, and scenes'),
    (TriangleMesh(vertices=BOX.vertices * [1, 1, 0], faces=BOX.faces), CloudError, 'flat'),
])
def test_objects_that_cannot_be_dropped_are_refused_by_name(model, error, message):
    with pytest.raises(error, match=f'^part.*{message}'):
        clutter_objects([ObjectModel(name='part', model=model, symmetry=None, path='part.ply')],
                        cache=None)
