"""Pairs to choose parameters by: true poses, chosen objects, files that come back, faults."""

from helpers.evaluation import catalogue_set, object_set
from helpers.objects import apart_deg
import numpy as np
import pytest
from scipy.spatial import cKDTree

from pointpng_core.cli import main as cli
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.estimation.observations import seen_from_outside
from pointpng_core.evaluation.pairs.files import object_names, read_pairs, write_pairs
from pointpng_core.evaluation.pairs.generation import (
    CAMERA,
    _around,
    _pose,
    half_pairs,
    view_pairs,
)
from pointpng_core.evaluation.pairs.mesh_sources import NamedMeshes, named_meshes
from pointpng_core.evaluation.pairs.split_rule import SplitRule
from pointpng_core.evaluation.pose.metrics import transform
from pointpng_core.evaluation.pose.pose_benchmark import evaluate_pose
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.mesh_files import write_mesh
from pointpng_core.io.mesh_sampling import sample_surface
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
    return views(noise=DepthNoise().scaled(0))


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
        pairs = views(noise=DepthNoise().scaled(level))
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
        return camera.backproject(depth_m)[np.isfinite(depth_m)]
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


# --- meshes by name ------------------------------------------------------------------------


def write_archive(path, names=('b', 'a', 'd', 'c')):
    meshes = {name: make_object(NAMES[index % 3]).mesh for index, name in enumerate(names)}
    np.savez(path, **{f'{name}/{part}': getattr(mesh, part) for name, mesh in meshes.items()
                      for part in ('vertices', 'faces')})
    return meshes


def test_archives_and_folders_are_sorted_by_name(tmp_path):
    meshes = write_archive(tmp_path / 'm.npz')
    (tmp_path / 'deep').mkdir()
    for name, mesh in meshes.items():
        write_mesh(tmp_path / ('deep' if name == 'a' else '.') / f'{name}.ply', mesh)
    for source in (tmp_path / 'm.npz', tmp_path):
        found = named_meshes(str(source), seed=0)
        assert found.names == ('a', 'b', 'c', 'd')
        assert np.allclose(found.read(0).vertices, meshes['a'].vertices, atol=1e-6)


def test_procedural_meshes_follow_the_seed():
    one, same, other = (named_meshes('procedural:4', seed=seed) for seed in (0, 0, 1))
    assert len(one.names) == len(set(one.names)) == 4
    assert np.array_equal(one.read(2).vertices, same.read(2).vertices)
    assert one.read(2).vertices.shape != other.read(2).vertices.shape


@pytest.mark.parametrize(('source', 'error', 'words'), [
    ('gone.npz', FileError, 'there are no meshes at'),
    ('procedural:many', ConfigError, "'many' is no number"),
    ('procedural', ConfigError, 'no number'),
    ('empty', FileError, 'holds no mesh'), ('text.npz', FileError, 'damaged'),
    ('clouds.npz', FileError, 'holds no meshes'), ('open.npz', FileError, 'lacks a/faces')])
def test_what_holds_no_meshes_is_refused(tmp_path, monkeypatch, source, error, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'text.npz').write_text('meshes')
    np.savez(tmp_path / 'clouds.npz', points=np.zeros((2, 9, 3)))
    np.savez(tmp_path / 'open.npz', **{'a/vertices': np.zeros((3, 3))})
    with pytest.raises(error, match=words):
        named_meshes(source, seed=0)


# --- the rule ------------------------------------------------------------------------------


def test_every_nth():
    rule = SplitRule.parse('3:2')
    assert [i for i in range(9) if i in rule] == [2, 5, 8]
    assert rule.taken(['a', 'b', 'c', 'd', 'e', 'f']) == {'c', 'f'}
    assert [i for i in range(50) if i in SplitRule.parse('20')] == [0, 20, 40]


@pytest.mark.parametrize('text', ['', '0', '3:3', 'x', '3:', '-1', '3:-1', '3:x', '1.5'])
def test_rules_that_make_no_sense_are_refused(text):
    with pytest.raises(ConfigError):
        SplitRule.parse(text)


# --- files and the command -----------------------------------------------------------------


def test_written_pairs_come_back(tmp_path, ideal):
    write_pairs(tmp_path / 'p.npz', ideal, about='views')
    back = read_pairs(tmp_path / 'p.npz')
    assert [pair.name for pair in back] == [pair.name for pair in ideal]
    for pair, read in zip(ideal, back):
        for key in ('source', 'target'):
            assert np.abs(getattr(pair, key) - getattr(read, key)).max() < 2e-5
        assert apart_deg(pair.T_target_source, read.T_target_source) < 1e-3
        assert np.allclose(pair.T_target_source, read.T_target_source, atol=1e-6)
    assert object_names(tmp_path / 'p.npz') == NAMES
    with pytest.raises(FileError, match='cannot write'):
        write_pairs(tmp_path / 'gone' / 'p.npz', ideal, about='views')


def make(tmp_path, *words):
    return cli.main(['evaluate', 'make-pairs', '--out', str(tmp_path / 'out.npz'),
                     *map(str, words)])


def test_the_command_writes_views_of_the_chosen_meshes(tmp_path, capsys):
    write_archive(tmp_path / 'm.npz')
    words = ('--data', tmp_path / 'm.npz', '--views', 2, '--points', 100)
    assert make(tmp_path, *words, '--leave-out', '3:2') == 0
    assert '6 pairs of 100 points, 3 objects' in capsys.readouterr().out
    assert object_names(tmp_path / 'out.npz') == ('a', 'b', 'd')
    seen = read_pairs(tmp_path / 'out.npz')
    assert make(tmp_path, *words) == 0
    everything = read_pairs(tmp_path / 'out.npz')
    assert np.array_equal(everything[-1].target, seen[-1].target)
    assert make(tmp_path, *words, '--keep', '3:2') == 0
    assert object_names(tmp_path / 'out.npz') == ('c',)


def test_the_command_writes_halves(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'cache'))
    points = catalogue_set(count=6, points=200).points.numpy()
    np.savez(tmp_path / 'c.npz', points=points, split=np.array([0, 1, 0, 0, 0, 0]),
             name=np.array(list('abcdef')))
    assert make(tmp_path, '--data', tmp_path / 'c.npz', '--halves', '--points', 60, '--keep',
                2) == 0
    assert '3 pairs of 60 points' in capsys.readouterr().out
    pairs = read_pairs(tmp_path / 'out.npz')
    assert [pair.name for pair in pairs] == ['a', 'd', 'f']  # of the training split: a c d e f
    assert pairs[0].source.shape == (60, 3)


def test_pairs_of_views_are_not_posed_bidirectional(tmp_path):
    assert make(tmp_path, '--data', 'procedural:1', '--views', 1) == 0
    result = evaluate_pose(tmp_path / 'out.npz', baselines=False)
    assert list(result['methods']) == ['pointpng', 'embedding', 'tracking']


@pytest.mark.parametrize(('words', 'message'), [
    (['--data', 'gone.npz', '--views', '1'], 'there are no meshes at gone.npz'),
    (['--data', 'gone.npz', '--halves'], 'no data source gone.npz'),
    (['--data', 'procedural:2', '--views', '1', '--keep', '9:8'], 'no object is left'),
    (['--data', 'procedural:2', '--views', '1', '--seed', '-1'], 'at least 0'),
    (['--data', 'procedural:2', '--views', '1', '--noise', '1000'], 'axial_m'),
    (['--data', 'x.npz', '--halves', '--noise', '0'], '--noise 0 has no effect on --halves'),
    (['--data', 'x.npz', '--views', '1', '--jitter', '.01'],
     '--jitter 0.01 has no effect on --views')])
def test_faults_of_the_command_are_one_clear_line(tmp_path, capsys, words, message):
    assert make(tmp_path, *words) == cli.ERROR_CODE
    err = capsys.readouterr().err
    assert message in err
    assert 'Traceback' not in err
    assert not (tmp_path / 'out.npz').exists()


@pytest.mark.parametrize('words', [['--data', 'x'], ['--data', 'x', '--halves', '--views', '1'],
                                   ['--data', 'x', '--halves', '--keep', '3:3'],
                                   ['--data', 'x', '--views', '0']])
def test_words_that_do_not_fit_are_refused(tmp_path, words):
    with pytest.raises(SystemExit):
        make(tmp_path, *words)
