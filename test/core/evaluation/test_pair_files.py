"""Meshes by name, the split rule, files of pairs, and the command that writes them."""

from helpers.evaluation import catalogue_set
from helpers.objects import apart_deg
import numpy as np
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.evaluation.pairs.files import object_names, read_pairs, write_pairs
from pointpng_core.evaluation.pairs.generation import (
    view_pairs,
)
from pointpng_core.evaluation.pairs.mesh_sources import NamedMeshes, named_meshes
from pointpng_core.evaluation.pairs.split_rule import SplitRule
from pointpng_core.evaluation.pose.pose_benchmark import evaluate_pose
from pointpng_core.io.mesh_files import write_mesh
from pointpng_core.simulation.noise import SensorErrors
from pointpng_core.simulation.shapes.catalogue import make_object

NAMES = ('drill', 'hammer', 'mug')


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
    ('procedural:many', ConfigError, "'many' is not a number"),
    ('procedural', ConfigError, 'not a number'),
    ('empty', FileError, 'holds no mesh'), ('text.npz', FileError, 'not a readable .npz'),
    ('clouds.npz', FileError, 'holds no meshes'), ('open.npz', FileError, 'lacks a/faces')])
def test_files_without_meshes_are_refused(tmp_path, monkeypatch, source, error, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'text.npz').write_text('meshes')
    np.savez(tmp_path / 'clouds.npz', points=np.zeros((2, 9, 3)))
    np.savez(tmp_path / 'open.npz', **{'a/vertices': np.zeros((3, 3))})
    with pytest.raises(error, match=words):
        named_meshes(source, seed=0)


# --- the split rule ------------------------------------------------------------------------


def test_a_split_rule_takes_every_nth():
    rule = SplitRule.parse('3:2')
    assert [i for i in range(9) if i in rule] == [2, 5, 8]
    assert rule.taken(['a', 'b', 'c', 'd', 'e', 'f']) == {'c', 'f'}
    assert [i for i in range(50) if i in SplitRule.parse('20')] == [0, 20, 40]


@pytest.mark.parametrize('text', ['', '0', '3:3', 'x', '3:', '-1', '3:-1', '3:x', '1.5'])
def test_rules_that_make_no_sense_are_refused(text):
    with pytest.raises(ConfigError):
        SplitRule.parse(text)


# --- files and the command -----------------------------------------------------------------


@pytest.fixture(scope='module')
def ideal():
    meshes = NamedMeshes(names=NAMES, read=lambda index: make_object(NAMES[index]).mesh)
    return view_pairs(meshes, range(3), views=2, points=600, seed=0,
                      noise=SensorErrors().scaled(0))


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
