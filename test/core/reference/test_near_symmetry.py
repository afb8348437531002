"""Rotations that leave most of a surface in place: against brute force, and on known objects."""

import functools

from helpers.objects import boxes, pose, random_rotation_matrix
from helpers.references import CONFIG, ROUND, CountingBuilder, view_of_mug
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.geometry.clouds import diameter_m
from pointpng_core.geometry.meshes import sample_surface
from pointpng_core.io.sealed_arrays import sealed
from pointpng_core.reference.disk_cache import ReferenceCache
from pointpng_core.reference.near_symmetry import (
    ALL_DIAMETERS,
    MOST,
    MOST_DIAMETERS,
    distinct,
    near_symmetries,
)
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.shapes.primitives import cylinder
from pointpng_core.simulation.shapes.solids import polygonise

NOTHING = Symmetry()
HALF_TURN = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=2),
                               Rotational(axis=(1, 0, 0), order=2)))


@functools.cache
def surface_of(name, count=2000):
    return sample_surface(make_object(name).mesh, count, seed=3)


def near(points, normals, symmetry=NOTHING):
    return near_symmetries(points, normals, points.mean(axis=0), diameter_m(points), symmetry)


def rotvecs_deg(motions):
    return Rotation.from_matrix(motions[:, :3, :3]).as_rotvec(degrees=True)


def plane_distances(points, normals, T):
    """Point-to-plane distances, in diameters, of moved points from the nearest of all points."""
    moved = points @ T[:3, :3].T + T[:3, 3]
    rows = cdist(moved, points).argmin(axis=1)
    plane = np.abs(((moved - points[rows]) * normals[rows]).sum(axis=1))
    beyond = cdist(moved, points).min(axis=1)
    return plane / diameter_m(points), beyond / diameter_m(points)


@pytest.mark.parametrize('seed', [None, 4])
def test_a_mug_turns_about_its_axis_and_no_other(seed):
    R = np.eye(3) if seed is None else random_rotation_matrix(seed)
    t = np.zeros(3) if seed is None else np.array([0.3, -0.2, 0.5])
    points, normals = surface_of('mug')
    motions = near(points @ R.T + t, normals @ R.T)
    rotvecs = rotvecs_deg(motions)
    angles = np.linalg.norm(rotvecs, axis=1)
    axis = R[:, 2]
    assert (np.abs(rotvecs @ axis) > np.cos(np.radians(6)) * angles).all()
    turns = np.sort(np.degrees(2 * np.arctan(np.tan(
        np.radians(rotvecs @ axis) / 2))) % 360)
    assert np.diff(np.concatenate((turns, turns[:1] + 360))).max() < 25
    assert len(motions) >= 25
    # The axis is that of the body, which the handle pulls the centroid away from.
    on_axis = R @ [0, 0, 0.05] + t
    assert np.linalg.norm(motions[:, :3, :3] @ on_axis + motions[:, :3, 3] - on_axis,
                          axis=1).max() < 0.006


@pytest.mark.parametrize('name', ['mug', 'spray', 'hammer'])
def test_most_but_not_all_of_the_surface_stays_by_brute_force(name):
    points, normals = surface_of(name)
    motions = near(points, normals)
    assert 0 < len(motions) <= MOST
    for T in motions[::3]:
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-6)
        plane, beyond = plane_distances(points, normals, T)
        # The nearest point of a sample may lie round a corner, hence a little more than allowed.
        assert np.quantile(plane, 0.7) < 1.3 * MOST_DIAMETERS
        assert np.quantile(beyond, 0.99) > ALL_DIAMETERS


@pytest.mark.parametrize('name', ['spray', 'hammer'])
def test_what_differs_in_front_and_behind_turns_by_180_degrees(name):
    assert (np.linalg.norm(rotvecs_deg(near(*surface_of(name))), axis=1) > 170).any()


def test_objects_without_near_symmetry_have_none():
    assert near(*surface_of('bracket')).shape == (0, 4, 4)


def test_true_symmetries_are_none():
    """Neither where they are known nor where they are not."""
    can = sample_surface(polygonise(cylinder(0.035, -0.055, 0.055)), 3000, seed=1)
    box = sample_surface(boxes(((-0.05, -0.055, -0.08), (0.05, 0.055, 0.08))), 3000, seed=1)
    for surface in (box, can):
        angles = np.linalg.norm(rotvecs_deg(near(*surface)), axis=1)
        assert ((angles > 80) & (angles < 100)).all()
    known = Symmetry(elements=(*ROUND.elements, HALF_TURN.elements[1]))
    assert len(near(*can, known)) == 0


def test_motions_that_the_symmetry_makes_equal_appear_once():
    turns = [Rotational(axis=(0, 0, 1), order=0).transform(np.radians(angle))
             for angle in (5, 40, 45, 220, 100)]
    motions, options = np.array(turns), {'centre': np.zeros(3), 'diameter_m': 0.1}
    assert distinct(motions, NOTHING, **options).tolist() == [1, 3, 4]
    assert distinct(motions, HALF_TURN, **options).tolist() == [1, 4]
    assert distinct(motions, ROUND, **options).tolist() == []
    assert distinct(motions[:0], NOTHING, **options).tolist() == []
    shifted = np.array([pose(t=(0, 0, 0.05)), pose(t=(0, 0, 0.005))])
    assert distinct(shifted, NOTHING, **options).tolist() == [0]


def test_the_result_is_the_same_each_time_and_in_either_sign_of_the_normals():
    points, normals = surface_of('mug')
    first = near(points, normals)
    np.testing.assert_array_equal(first, near(points, normals))
    np.testing.assert_array_equal(first, near(points, -normals))


# --- in references ---------------------------------------------------------------------------


def test_complete_references_have_them_and_single_views_do_not(tmp_path):
    mesh = make_object('mug').mesh
    cache = ReferenceCache(CountingBuilder(), folder=tmp_path)
    built = cache.from_model(mesh, name='mug', symmetry=NOTHING)
    loaded = cache.from_model(mesh, name='mug', symmetry=NOTHING)
    assert cache.builder.built == 1
    assert len(built.near_symmetries) > 8
    np.testing.assert_array_equal(built.near_symmetries, loaded.near_symmetries)
    assert cache.from_view(view_of_mug(), name='view').near_symmetries.shape == (0, 4, 4)


def test_a_symmetry_that_is_given_later_takes_its_motions_away(tmp_path):
    mesh = make_object('mug').mesh
    cache = ReferenceCache(CountingBuilder(), folder=tmp_path)
    assert len(cache.from_model(mesh, name='x', symmetry=NOTHING).near_symmetries) > 8
    assert len(cache.from_model(mesh, name='x', symmetry=ROUND).near_symmetries) <= 1
    assert cache.builder.built == 1


@pytest.mark.parametrize('damaged', [
    np.zeros((2, 3, 4)), np.zeros((2, 4, 4)), np.full((1, 4, 4), np.nan),
    np.diag([1.0, 1, -1, 1])[None], np.diag([2.0, 2, 2, 1])[None],
    np.eye(4, dtype=np.float32)[None], np.array([pose(t=(np.inf, 0, 0))])],
    ids=['shape', 'zeros', 'nan', 'mirror', 'scale', 'dtype', 'far'])
def test_a_damaged_array_is_built_again(tmp_path, damaged):
    model = surface_of('mug', 500)[0]
    builder = CountingBuilder(CONFIG)
    cache = ReferenceCache(builder, folder=tmp_path)
    built = cache.from_model(model, name='a', symmetry=NOTHING)
    path, = tmp_path.glob('*.reference')
    path.write_bytes(sealed({**built.arrays(), 'near_symmetries': damaged}, key=path.stem))
    again = cache.from_model(model, name='a', symmetry=NOTHING)
    assert builder.built == 2
    np.testing.assert_array_equal(again.near_symmetries, built.near_symmetries)
