"""References: what they hold, and the cache that keeps them on disk."""

from dataclasses import replace
import logging

from helpers.objects import boxes, pose, random_rotation_matrix, view, whole
import numpy as np
import open3d as o3d
import pytest
import torch

from pointpng_core.embedding.encoders import HarmonicConfig, HarmonicEncoder
from pointpng_core.errors import CloudError
from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.reference import ReferenceBuilder, ReferenceConfig
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.disk_cache import ReferenceCache
from pointpng_core.simulation.shapes.catalogue import make_object

CONFIG = ReferenceConfig(surface_points=1000, views=40, sample=64, whole_sample=256, probes=64)
ROUND = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=0),))


class CountingBuilder(ReferenceBuilder):
    """Counts what is really built."""

    def __init__(self, config=CONFIG, encoder=None):
        super().__init__(encoder=encoder or HarmonicEncoder(), config=config,
                         device=torch.device('cpu'))
        self.built = 0

    def _build(self, surface, directions):
        self.built += 1
        return super()._build(surface, directions)


def build(model, **options):
    return CountingBuilder().from_model(model, name='x', symmetry=Symmetry(), **options)


def mesh_distance(mesh, points):
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    return scene.compute_distance(o3d.core.Tensor(points.astype(np.float32))).numpy()


def look_at_mug(t=(0.05, -0.04, 0.6)):
    return view(make_object('mug').mesh, pose(random_rotation_matrix(0), t))


# --- surfaces ------------------------------------------------------------------------------


def test_surface_points_lie_on_the_mesh_evenly_with_their_faces_normals():
    mesh = boxes(([0, 0, 0], [0.1, 0.2, 0.4]))
    points, normals = sample_surface(mesh, 8000)
    assert mesh_distance(mesh, points).max() < 1e-6
    # areas of the sides: 0.08, 0.04 and 0.02 m2, twice each
    for axis, share in enumerate((0.08, 0.04, 0.02)):
        for sign in (-1, 1):
            on_side = normals[:, axis] == sign
            assert on_side.mean() == pytest.approx(share / 0.28, abs=0.003)
            assert np.ptp(points[on_side, axis]) < 1e-6
    outer = points + 0.01 * normals
    assert ((outer < 0) | (outer > [0.1, 0.2, 0.4])).any(axis=1).all()


def test_a_mesh_without_area_is_refused():
    flat = TriangleMesh(vertices=np.zeros((3, 3), np.float32),
                        faces=np.array([[0, 1, 2]], np.int32))
    with pytest.raises(CloudError, match='no surface area'):
        build(flat)


# --- what a reference holds ----------------------------------------------------------------


@pytest.mark.parametrize('offset', [0.0, 5.0])
def test_a_model_off_its_origin_is_described_about_its_centre(offset):
    mesh = boxes(([offset, -offset, 2 * offset], [offset + 0.1, 0.2 - offset, 0.4 + 2 * offset]))
    reference = build(mesh)
    assert reference.complete
    assert reference.diameter_m == pytest.approx(np.linalg.norm([0.1, 0.2, 0.4]), rel=0.05)
    middle = np.add([0.05, 0.1, 0.2], [offset, -offset, 2 * offset])
    assert np.abs(reference.centre - middle).max() < 0.01
    assert mesh_distance(mesh, reference.points).max() < 1e-5
    assert reference.probes.norm(dim=1).max() < reference.diameter_m
    assert reference.views.centroids.norm(dim=1).max() < reference.diameter_m


def test_views_look_at_what_they_see():
    views = build(make_object('mug').mesh).views
    camera = views.directions * 4 * 0.127 - views.centroids
    along = (views.R_view_reference @ torch.nn.functional.normalize(camera, dim=1)[..., None])
    assert torch.allclose(along.squeeze(-1), torch.tensor([0.0, 0, 1]), atol=2e-2)
    assert torch.allclose(views.R_view_reference @ views.R_view_reference.transpose(1, 2),
                          torch.eye(3), atol=1e-5)
    assert torch.allclose(views.embeddings.norm(dim=1), torch.ones(len(views.embeddings)),
                          atol=1e-5)
    # What is seen lies on the camera's side of the middle.
    assert ((views.centroids * views.directions).sum(-1) > 0).float().mean() > 0.95
    assert 0.2 < views.visible.float().mean() < 0.7


def test_the_unit_of_a_model_only_scales_lengths():
    points = whole('mug', 1000)
    small, large = build(points), build(points * np.float32(10))
    for name in ('diameter_m', 'spacing_m'):
        assert getattr(large, name) == pytest.approx(10 * getattr(small, name), rel=1e-5)
    assert np.allclose(large.centre, 10 * small.centre, atol=1e-5)
    assert torch.allclose(large.embedding, small.embedding, atol=1e-4)
    assert torch.allclose(large.views.centroids, 10 * small.views.centroids, atol=1e-4)


def test_a_look_keeps_the_cameras_axes_about_its_centroid():
    points = look_at_mug()
    reference = CountingBuilder().from_view(points, name='x')
    assert not reference.complete
    assert np.abs(reference.points + points.mean(axis=0) - points).max() < 1e-6
    assert np.abs(reference.centre).max() < 1e-6
    # Normals and views face the camera, which is where the look came from.
    towards = -points.mean(axis=0) / np.linalg.norm(points.mean(axis=0))
    assert ((reference.normals * -points).sum(axis=1) > -1e-6).all()
    assert (reference.views.directions.numpy() @ towards > 0.7).all()


def test_non_finite_points_of_models_and_looks_are_ignored():
    clean, points = look_at_mug(), look_at_mug()
    dirty = np.insert(points, [0, 50, 300], [np.nan, 0, np.inf], axis=0)
    builder = CountingBuilder()
    a, b = builder.from_view(clean, name='x'), builder.from_view(dirty, name='x')
    assert np.array_equal(a.points, b.points)
    assert torch.equal(a.embedding, b.embedding)


@pytest.mark.parametrize(('points', 'message'), [
    (np.zeros((100, 3)), 'one place'), (np.full((100, 3), np.nan), '0 finite points'),
    (np.random.default_rng(0).normal(size=(20, 3)), '20 finite points of 20'),
    (np.zeros((0, 3)), '0 finite points'), (np.zeros((100, 4)), 'expected an')],
    ids=['one place', 'all NaN', 'few', 'empty', 'four columns'])
def test_clouds_that_are_no_surface_are_refused(points, message):
    with pytest.raises(CloudError, match=message):
        build(points)
    with pytest.raises(CloudError, match=message):
        CountingBuilder().from_view(points + 1, name='x')


def test_references_of_different_sizes_stack():
    builder = CountingBuilder()
    few = CountingBuilder(ReferenceConfig(surface_points=300, views=10, sample=64, probes=32))
    stack = ReferenceStack.of([
        builder.from_model(make_object('mug').mesh, name='a', symmetry=Symmetry()),
        builder.from_view(look_at_mug(), name='b'),
        few.from_model(whole('can', 300), name='c', symmetry=Symmetry())])
    assert stack.probes.shape == (3, 64, 3)
    assert stack.visible.shape == (3, 40, 64)
    # What is missing repeats the last view and the last probe: nothing new comes in.
    assert torch.equal(stack.directions[2, 10:], stack.directions[2, 9:10].expand(30, -1))
    assert torch.equal(stack.visible[2, 10:], stack.visible[2, 9:10].expand(30, -1))
    assert torch.equal(stack.probes[2, 32:], stack.probes[2, 31:32].expand(32, -1))
    assert stack.diameter[0] != stack.diameter[2]


# --- the cache -----------------------------------------------------------------------------


MODEL = whole('mug', 500)


def cached(folder, builder=None):
    builder = builder or CountingBuilder()
    return builder, ReferenceCache(builder, folder=folder)


def same(a, b):
    first, second = a.arrays(), b.arrays()
    return first.keys() == second.keys() and all(
        np.array_equal(first[key], second[key]) for key in first)


def test_same_content_is_built_once_and_comes_back_the_same(tmp_path):
    builder, cache = cached(tmp_path / 'deep' / 'er')
    built = cache.from_model(MODEL, name='mug', symmetry=ROUND)
    other, again = cached(tmp_path / 'deep' / 'er')
    loaded = again.from_model(MODEL.copy(), name='cup', symmetry=Symmetry())
    assert (builder.built, other.built) == (1, 0)
    assert same(replace(built, symmetry=Symmetry()), loaded)
    # Neither name nor a given symmetry is part of what is kept.
    assert (built.name, loaded.name) == ('mug', 'cup')
    assert (built.symmetry, loaded.symmetry) == (ROUND, Symmetry())
    assert loaded.complete is True
    assert isinstance(loaded.diameter_m, float)


def test_the_discovered_symmetry_is_kept_and_a_given_one_goes_before_it(tmp_path):
    mesh = boxes(([0, 0, 0], [0.1, 0.2, 0.3]))
    config = ReferenceConfig(**{**CONFIG.to_mapping(), 'surface_points': 3000})
    _, cache = cached(tmp_path, CountingBuilder(config))
    told = cache.from_model(mesh, name='told', symmetry=ROUND)
    builder, cache = cached(tmp_path, CountingBuilder(config))
    found = cache.from_model(mesh, name='found', symmetry=None)
    assert (told.symmetry, builder.built) == (ROUND, 0)
    assert len(found.symmetry.transforms()) == 4
    assert found.symmetry.same(np.eye(4), pose(np.diag([-1.0, -1, 1]), (0.1, 0.2, 0.0)),
                               rotation_rad=0.02, shift_m=0.003, about=(0.05, 0.1, 0.15))
    fresh = CountingBuilder(config).from_model(mesh, name='fresh', symmetry=None)
    assert fresh.symmetry == found.symmetry
    assert CountingBuilder(config).from_model(
        mesh, name='none', symmetry=Symmetry()).symmetry == Symmetry()


def test_a_look_has_no_symmetry_for_it_shows_one_side(tmp_path):
    _, cache = cached(tmp_path)
    ball = np.random.default_rng(0).normal(size=(3000, 3))
    ball *= 0.05 / np.linalg.norm(ball, axis=1, keepdims=True)
    seen = ball[ball[:, 2] < 0] + (0, 0, 0.5)
    for _ in range(2):
        assert cache.from_view(seen, name='look').symmetry == Symmetry()
    assert cache.from_model(ball, name='whole', symmetry=None).symmetry.kind == 'spherical'


def test_a_memory_layout_is_no_content(tmp_path):
    builder, cache = cached(tmp_path)
    cache.from_model(MODEL, name='a', symmetry=Symmetry())
    cache.from_model(np.asfortranarray(MODEL), name='a', symmetry=Symmetry())
    assert builder.built == 1


def test_meshes_and_looks_are_kept_too(tmp_path):
    builder, cache = cached(tmp_path)
    mesh, look = boxes(([0, 0, 0], [0.1, 0.2, 0.3])), look_at_mug()
    first = [cache.from_model(mesh, name='a', symmetry=Symmetry()),
             cache.from_view(look, name='a')]
    second = [cache.from_model(mesh, name='a', symmetry=Symmetry()),
              cache.from_view(look, name='a')]
    assert builder.built == 2
    assert all(same(a, b) for a, b in zip(first, second))
    assert not second[1].complete


def test_other_content_or_settings_are_other_entries(tmp_path):
    moved = MODEL.copy()
    moved[0, 0] += 1e-4
    mesh = boxes(([0, 0, 0], [0.1, 0.2, 0.3]))
    turned_faces = TriangleMesh(vertices=mesh.vertices, faces=mesh.faces[:, ::-1].copy())
    asked = [
        lambda cache: cache.from_model(MODEL, name='a', symmetry=Symmetry()),
        lambda cache: cache.from_model(moved, name='a', symmetry=Symmetry()),
        lambda cache: cache.from_model(MODEL[:-1], name='a', symmetry=Symmetry()),
        lambda cache: cache.from_view(MODEL + np.float32(1), name='a'),
        lambda cache: cache.from_model(MODEL + np.float32(1), name='a', symmetry=Symmetry()),
        lambda cache: cache.from_model(mesh, name='a', symmetry=Symmetry()),
        lambda cache: cache.from_model(turned_faces, name='a', symmetry=Symmetry())]
    builder, cache = cached(tmp_path)
    for ask in asked:
        ask(cache)
    assert builder.built == len(asked)
    others = [CountingBuilder(ReferenceConfig(**{**CONFIG.to_mapping(), 'views': 41})),
              CountingBuilder(encoder=HarmonicEncoder(HarmonicConfig(degree_max=4)))]
    for other in others:
        asked[0](cached(tmp_path, other)[1])
        assert other.built == 1
    assert len(list(tmp_path.iterdir())) == len(asked) + 2


@pytest.mark.parametrize('damage', [
    lambda path: path.write_bytes(path.read_bytes()[:-2000]),
    lambda path: path.write_bytes(b''),
    lambda path: path.write_bytes(b'not an archive'),
    lambda path: path.write_bytes(path.read_bytes()[:3000] + bytes(3000)
                                  + path.read_bytes()[6000:])],
    ids=['truncated', 'empty', 'garbage', 'overwritten'])
def test_a_damaged_file_is_built_again_and_replaced(tmp_path, damage):
    _, cache = cached(tmp_path)
    built = cache.from_model(MODEL, name='a', symmetry=Symmetry())
    damage(next(tmp_path.glob('*.npz')))
    builder, cache = cached(tmp_path)
    assert same(cache.from_model(MODEL, name='a', symmetry=Symmetry()), built)
    assert same(cache.from_model(MODEL, name='a', symmetry=Symmetry()), built)
    assert builder.built == 1
    assert [path.suffix for path in tmp_path.iterdir()] == ['.npz']


def test_a_folder_that_cannot_be_written_costs_a_warning_only(tmp_path, caplog):
    (tmp_path / 'file').write_text('in the way')
    builder, cache = cached(tmp_path / 'file' / 'cache')
    with caplog.at_level(logging.WARNING):
        reference = cache.from_model(MODEL, name='a', symmetry=Symmetry())
        cache.from_model(MODEL, name='a', symmetry=Symmetry())
    assert reference.name == 'a'
    assert builder.built == 2
    assert [record.levelname for record in caplog.records] == ['WARNING', 'WARNING']
    assert str(tmp_path / 'file' / 'cache') in caplog.text


def test_without_a_folder_everything_is_built(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    builder, cache = cached(None)
    for _ in range(2):
        cache.from_model(MODEL, name='a', symmetry=Symmetry())
    assert builder.built == 2
    assert not list(tmp_path.iterdir())


def test_a_cache_file_that_lacks_something_is_built_again(tmp_path):
    _, cache = cached(tmp_path)
    first = cache.from_model(MODEL, name='a', symmetry=Symmetry())
    (path,) = tmp_path.glob('*.npz')
    with np.load(path) as stored:
        kept = {name: stored[name] for name in stored.files if name != 'normals'}
    np.savez(path, **kept)
    assert same(first, cache.from_model(MODEL, name='a', symmetry=Symmetry()))
    assert not list(tmp_path.glob('*.part'))
