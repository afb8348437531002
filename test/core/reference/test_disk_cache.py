"""The cache of references: same content, other content, damaged and unwritable files."""

from dataclasses import replace
import logging

from helpers.objects import boxes, pose, whole
from helpers.references import CONFIG, ROUND, CountingBuilder, view_of_mug
import numpy as np
import pytest

from pointpng_core.embedding.encoders import HarmonicConfig, HarmonicEncoder
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.reference import ReferenceConfig
from pointpng_core.reference.disk_cache import ReferenceCache

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
    assert same(replace(built, symmetry=Symmetry(), near_symmetries=loaded.near_symmetries),
                loaded)
    # Neither name nor a given symmetry is part of what is kept.
    assert (built.name, loaded.name) == ('mug', 'cup')
    assert (built.symmetry, loaded.symmetry) == (ROUND, Symmetry())
    assert loaded.complete is True
    assert isinstance(loaded.diameter_m, float)


def test_the_discovered_symmetry_is_kept_and_a_given_one_goes_before_it(tmp_path):
    mesh = boxes(([0, 0, 0], [0.1, 0.2, 0.3]))
    config = ReferenceConfig(**{**CONFIG.to_mapping(), 'surface_points': 3000})
    _, cache = cached(tmp_path, CountingBuilder(config))
    given = cache.from_model(mesh, name='given', symmetry=ROUND)
    builder, cache = cached(tmp_path, CountingBuilder(config))
    found = cache.from_model(mesh, name='found', symmetry=None)
    assert (given.symmetry, builder.built) == (ROUND, 0)
    assert len(found.symmetry.transforms()) == 4
    assert found.symmetry.same(np.eye(4), pose(np.diag([-1.0, -1, 1]), (0.1, 0.2, 0.0)),
                               rotation_rad=0.02, shift_m=0.003, about=(0.05, 0.1, 0.15))
    fresh = CountingBuilder(config).from_model(mesh, name='fresh', symmetry=None)
    assert fresh.symmetry == found.symmetry
    assert CountingBuilder(config).from_model(
        mesh, name='none', symmetry=Symmetry()).symmetry == Symmetry()


def test_a_single_view_has_no_symmetry(tmp_path):
    _, cache = cached(tmp_path)
    ball = np.random.default_rng(0).normal(size=(3000, 3))
    ball *= 0.05 / np.linalg.norm(ball, axis=1, keepdims=True)
    seen = ball[ball[:, 2] < 0] + (0, 0, 0.5)
    for _ in range(2):
        assert cache.from_view(seen, name='view').symmetry == Symmetry()
    assert cache.from_model(ball, name='whole', symmetry=None).symmetry.kind == 'spherical'


def test_a_memory_layout_is_no_content(tmp_path):
    builder, cache = cached(tmp_path)
    cache.from_model(MODEL, name='a', symmetry=Symmetry())
    cache.from_model(np.asfortranarray(MODEL), name='a', symmetry=Symmetry())
    assert builder.built == 1


def test_meshes_and_single_views_are_cached_too(tmp_path):
    builder, cache = cached(tmp_path)
    mesh, seen = boxes(([0, 0, 0], [0.1, 0.2, 0.3])), view_of_mug()
    first = [cache.from_model(mesh, name='a', symmetry=Symmetry()),
             cache.from_view(seen, name='a')]
    second = [cache.from_model(mesh, name='a', symmetry=Symmetry()),
              cache.from_view(seen, name='a')]
    assert builder.built == 2
    assert all(same(a, b) for a, b in zip(first, second))
    assert not second[1].complete


def test_other_content_or_settings_are_other_entries(tmp_path):
    moved = MODEL.copy()
    moved[0, 0] += 1e-4
    mesh = boxes(([0, 0, 0], [0.1, 0.2, 0.3]))
    flipped_faces = TriangleMesh(vertices=mesh.vertices, faces=mesh.faces[:, ::-1].copy())
    asked = [
        lambda cache: cache.from_model(MODEL, name='a', symmetry=Symmetry()),
        lambda cache: cache.from_model(moved, name='a', symmetry=Symmetry()),
        lambda cache: cache.from_model(MODEL[:-1], name='a', symmetry=Symmetry()),
        lambda cache: cache.from_view(MODEL + np.float32(1), name='a'),
        lambda cache: cache.from_model(MODEL + np.float32(1), name='a', symmetry=Symmetry()),
        lambda cache: cache.from_model(mesh, name='a', symmetry=Symmetry()),
        lambda cache: cache.from_model(flipped_faces, name='a', symmetry=Symmetry())]
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
    damage(next(tmp_path.glob('*.reference')))
    builder, cache = cached(tmp_path)
    assert same(cache.from_model(MODEL, name='a', symmetry=Symmetry()), built)
    assert same(cache.from_model(MODEL, name='a', symmetry=Symmetry()), built)
    assert builder.built == 1
    assert [path.suffix for path in tmp_path.iterdir()] == ['.reference']


def test_a_folder_that_cannot_be_written_costs_one_warning_with_the_fix(tmp_path, caplog):
    (tmp_path / 'file').write_text('in the way')
    builder, cache = cached(tmp_path / 'file' / 'cache')
    with caplog.at_level(logging.WARNING):
        reference = cache.from_model(MODEL, name='a', symmetry=Symmetry())
        cache.from_model(MODEL, name='a', symmetry=Symmetry())
    assert reference.name == 'a'
    assert builder.built == 2
    (record,) = caplog.records
    assert 'cache_dir' in record.getMessage()
    assert str(tmp_path / 'file' / 'cache') in record.getMessage()


def test_without_a_folder_everything_is_built(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    builder, cache = cached(None)
    for _ in range(2):
        cache.from_model(MODEL, name='a', symmetry=Symmetry())
    assert builder.built == 2
    assert not list(tmp_path.iterdir())
