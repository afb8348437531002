"""Making pairs for validation: views and halves with true poses, of chosen objects."""

from helpers.evaluation import catalogue_set, object_set
from helpers.objects import apart_deg
import numpy as np
import pytest
from scipy.spatial import cKDTree

from pointpng_core.errors import CloudError
from pointpng_core.estimation.observation_kind import seen_from_outside
from pointpng_core.evaluation.pairs.generation import (
    CAMERA,
    _around,
    _pose,
    half_pairs,
    view_pairs,
)
from pointpng_core.evaluation.pairs.mesh_sources import NamedMeshes, named_meshes
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.io import write_mesh
from pointpng_core.simulation.noise import SensorErrors
from pointpng_core.simulation.rendering import CastBody, render
from pointpng_core.simulation.shapes.catalogue import make_object

NAMES = ('drill', 'hammer', 'mug')
MESHES = NamedMeshes(names=NAMES, read=lambda index: make_object(NAMES[index]).mesh)


def views(seed=0, rows=(0, 1, 2), **options):
    return view_pairs(MESHES, rows, **{'views': 2, 'points': 600, 'seed': seed, **options})


def gaps(pair, surface):
    """Distances (N,) from the target to a densely sampled surface at the true pose."""
    return cKDTree(transform(pair.T_target_source, surface)).query(pair.target)[0]


@pytest.fixture(scope='module')
def ideal():
    return views(noise=SensorErrors().scaled(0))


# --- single views --------------------------------------------------------------------------


def test_an_ideal_view_lies_on_the_surface_at_the_true_pose(ideal):
    assert [pair.name for pair in ideal] == ['drill', 'drill', 'hammer', 'hammer', 'mug', 'mug']
    for pair in ideal:
        surface = sample_surface(make_object(pair.name).mesh, 40_000)[0]
        assert gaps(pair, surface).max() < 0.003  # spacing of 40,000 points
        assert pair.source.shape == pair.target.shape == (600, 3)
        assert 0.4 < pair.target[:, 2].min() < pair.target[:, 2].max() < 1.1
        assert seen_from_outside(pair.target)


def test_a_view_shows_only_the_side_towards_the_camera(ideal):
    for pair in ideal:
        surface, normals = sample_surface(make_object(pair.name).mesh, 20_000)
        surface = transform(pair.T_target_source, surface)
        normals = normals @ pair.T_target_source[:3, :3].T
        nearest = cKDTree(surface).query(pair.target)[1]
        away = np.einsum('ij,ij->i', normals[nearest], surface[nearest]) > 0
        assert away.mean() < 0.1
        assert (np.einsum('ij,ij->i', normals, surface) > 0).mean() > 0.3


def test_noise_moves_points_by_as_much_as_the_sensor_says():
    """Axial noise of 1.2 to 1.7 mm, seen at an angle, and its multiple."""
    def typical_m(level):
        pairs = views(noise=SensorErrors().scaled(level))
        return np.median([gaps(pair, sample_surface(make_object(pair.name).mesh, 40_000)[0])
                          for pair in pairs])
    assert 0.0006 < typical_m(1) < 0.0015
    assert 2 * typical_m(1) < typical_m(4) < 5 * typical_m(1)


def test_poses_are_spread_over_rotations_and_depths():
    rng, mesh = np.random.default_rng(0), make_object('mug').mesh
    poses = [_pose(mesh, rng) for _ in range(400)]
    middle = (mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0)) / 2
    depth = np.array([transform(T, middle[None])[0, 2] for T in poses])
    assert 0.5 <= depth.min() < 0.52
    assert 0.88 < depth.max() <= 0.9
    angle = np.array([apart_deg(T, np.eye(4)) for T in poses])
    assert 120 < angle.mean() < 133  # 126.5 degrees for uniform rotations
    assert np.abs(np.mean([T[:3, 2] for T in poses], axis=0)).max() < 0.15


def test_only_pixels_around_the_object_are_cast_and_they_read_the_same():
    """Naive twin: the whole image."""
    mesh = make_object('drill').mesh
    body, T = CastBody(mesh), _pose(mesh, np.random.default_rng(3))
    camera = _around(body, T)
    assert camera.width * camera.height < 0.3 * CAMERA.width * CAMERA.height

    def cloud(camera):
        depth_m = render(camera, [body], T[None]).depth_m
        return camera.pinhole.backproject(depth_m)[np.isfinite(depth_m)]
    assert len(cloud(camera)) == len(cloud(CAMERA)) > 2000
    assert np.abs(cloud(camera) - cloud(CAMERA)).max() < 1e-5


def test_the_same_seed_gives_the_same_pairs_and_another_other_ones():
    first, again, other = views(), views(), views(seed=1)
    for a, b, c in zip(first, again, other):
        assert np.array_equal(a.target, b.target)
        assert np.array_equal(a.source, b.source)
        assert apart_deg(a.T_target_source, c.T_target_source) > 1
    assert apart_deg(first[0].T_target_source, first[1].T_target_source) > 1


def test_an_object_has_the_same_views_whatever_else_is_chosen():
    alone, among = views(rows=(1,)), views()
    assert np.array_equal(alone[0].target, among[2].target)
    assert np.array_equal(alone[1].target, among[3].target)


def test_objects_that_are_hardly_seen_are_reported_and_left_out():
    speck = TriangleMesh(vertices=make_object('mug').mesh.vertices * 0.01,
                         faces=make_object('mug').mesh.faces)
    meshes = NamedMeshes(names=('speck', 'mug'),
                         read=lambda index: (speck, make_object('mug').mesh)[index])
    lines = []
    pairs = view_pairs(meshes, (0, 1), views=1, points=100, seed=0, report=lines.append)
    assert [pair.name for pair in pairs] == ['mug']
    assert lines == ['speck: left out, fewer than 300 readings of it']


# --- halves --------------------------------------------------------------------------------


def test_halves_share_no_point_and_the_pose_is_true():
    objects = catalogue_set(count=3)
    for row, pair in enumerate(half_pairs(objects, range(3), points=200, seed=0)):
        back = transform(np.linalg.inv(pair.T_target_source), pair.target)
        whole = cKDTree(objects.points[row].numpy())
        assert whole.query(back)[0].max() < 1e-5
        assert whole.query(pair.source)[0].max() == 0
        used = np.concatenate([whole.query(back)[1], whole.query(pair.source)[1]])
        assert len(set(used)) == 400
        assert apart_deg(pair.T_target_source, np.eye(4)) > 1


def test_jitter_is_of_its_size_on_both_halves():
    clouds = [np.random.default_rng(0).normal(size=(800, 3)) for _ in range(2)]
    objects = object_set(clouds)
    clean, noisy = (half_pairs(objects, range(2), points=300, seed=0, jitter=jitter)
                    for jitter in (0.0, 0.02))
    for before, after in zip(clean, noisy):
        assert np.array_equal(before.T_target_source, after.T_target_source)
        for one, other in ((before.source, after.source), (before.target, after.target)):
            radius = np.linalg.norm(one - one.mean(axis=0), axis=1).max()
            assert np.std(other - one) == pytest.approx(0.02 * radius, rel=0.1)
        assert np.abs(np.corrcoef((after.source - before.source).ravel(),
                                  (after.target - before.target).ravel())[0, 1]) < 0.15


def test_halves_depend_on_the_seed_and_the_object_alone():
    objects = catalogue_set(count=3)
    first, again, other = (half_pairs(objects, rows, points=100, seed=seed)
                           for rows, seed in (((0, 1, 2), 0), ((2,), 0), ((2,), 1)))
    assert np.array_equal(first[2].target, again[0].target)
    assert apart_deg(again[0].T_target_source, other[0].T_target_source) > 1
    assert apart_deg(first[0].T_target_source, first[1].T_target_source) > 1


def test_objects_with_too_few_points_are_reported_and_left_out():
    random = np.random.default_rng(0)
    clouds = random.normal(size=(2, 100, 3))
    clouds[1, 50:] = clouds[1, :50]
    lines = []
    pairs = half_pairs(object_set(clouds), (0, 1), points=40, seed=0, report=lines.append)
    assert [pair.name for pair in pairs] == ['0']
    assert lines == ['1: left out, it has only 50 points']


def test_meshes_of_files_are_in_their_unit(tmp_path):
    mesh = make_object('mug').mesh
    write_mesh(tmp_path / 'mug.stl', TriangleMesh(vertices=1e3 * mesh.vertices, faces=mesh.faces))
    np.savez(tmp_path / 'mug.npz', **{'mug/vertices': 1e3 * mesh.vertices,
                                      'mug/faces': mesh.faces})
    for source in (str(tmp_path), str(tmp_path / 'mug.npz')):
        found = named_meshes(source, seed=0, unit='mm').read(0)
        assert np.ptp(found.vertices, axis=0) == pytest.approx(np.ptp(mesh.vertices, axis=0))
        with pytest.raises(CloudError, match=r"mesh 'mug': its extent is .* unit='mm'"):
            named_meshes(source, seed=0).read(0)
