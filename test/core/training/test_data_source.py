"""Sources as they are written on the command line and in YAML."""

import numpy as np
import pytest

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.training.data import SourceConfig, load_sources


def test_the_command_line_and_yaml_say_the_same():
    text = 'a folder/bag.mcap, weight=2,topic=/x/points,split=all,limit=5,unit=mm,least_unique=9'
    parsed = SourceConfig.parse(text)
    assert parsed == SourceConfig(path='a folder/bag.mcap', weight=2.0, topic='/x/points',
                                  split='all', limit=5, unit='mm', least_unique=9)
    assert SourceConfig.from_value(text) == parsed
    assert SourceConfig.from_value(parsed.to_mapping()) == parsed
    assert SourceConfig.parse('x.npz') == SourceConfig(path='x.npz')


@pytest.mark.parametrize(('text', 'words'), [
    ('', 'path is empty'), (',weight=2', 'path is empty'), ('x,weight', 'NAME=VALUE'),
    ('x,wieght=2', "did you mean 'weight'"), ('x,weight=two', "'two' is no float"),
    ('x,limit=1.5', "'1.5' is no int"), ('x,limit=1,limit=2', "'limit' twice"),
    ('x,path=y', "'path' twice"), ('x,weight=0', 'weight = 0'), ('x,weight=nan', 'weight = nan'),
    ('x,split=val', 'choose one of train, test, all'), ('x,unit=km', 'choose one of m'),
    ('x,limit=-1', 'limit = -1')])
def test_mistakes_are_named(text, words):
    with pytest.raises(ConfigError, match=words):
        SourceConfig.parse(text)


@pytest.mark.parametrize('name', ['scans,2024', 'a,b=c', 'x,weight=3', 'x,weight=3,limit=4'])
def test_a_path_that_exists_may_hold_commas(tmp_path, name):
    for path in (tmp_path / name, tmp_path / name / 'one, two.npz'):
        path.mkdir(parents=True, exist_ok=True)
        assert SourceConfig.parse(str(path)) == SourceConfig(path=str(path))
        assert SourceConfig.parse(f'{path},weight=2,limit=5') == SourceConfig(
            path=str(path), weight=2.0, limit=5)
        with pytest.raises(ConfigError, match="did you mean 'weight'"):
            SourceConfig.parse(f'{path},wieght=2')


def test_a_path_with_a_comma_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"got '2025/x\.npz'; if it belongs to the path"):
        SourceConfig.parse(f'{tmp_path}/scans,2025/x.npz')


@pytest.mark.parametrize('value', [None, 3, ['x']])
def test_yaml_of_another_kind_is_refused(value):
    with pytest.raises(ConfigError, match='expected a path or a mapping'):
        SourceConfig.from_value(value)


def test_splits_never_mix():
    test = np.array([False, True, False, True])
    rows = {split: SourceConfig(path='x', split=split).choose(4, test).tolist()
            for split in ('train', 'test', 'all')}
    assert rows == {'train': [0, 2], 'test': [1, 3], 'all': [0, 1, 2, 3]}
    assert SourceConfig(path='x').choose(3, None).tolist() == [0, 1, 2]
    with pytest.raises(ConfigError, match='x has no test split'):
        SourceConfig(path='x', split='test').choose(3, None)


@pytest.mark.parametrize(('name', 'words'), [
    ('missing', 'there is no data source'), ('table.csv', 'is no data source')])
def test_what_is_not_supported_is_named_with_what_is(tmp_path, name, words):
    (tmp_path / 'table.csv').write_text('1,2,3')
    with pytest.raises(FileError, match=f'{words}.*procedural') as caught:
        load_sources([SourceConfig(path=str(tmp_path / name))], pool=4, seed=0)
    assert str(tmp_path / name) in str(caught.value)


def test_something_must_be_loaded():
    with pytest.raises(ConfigError, match='no data source is named'):
        load_sources([], pool=4, seed=0)
    with pytest.raises(ConfigError, match='pool = 0'):
        load_sources([SourceConfig(path='procedural:4')], pool=0, seed=0)


def test_procedural_objects_are_the_same_for_the_same_seed():
    def load(count, seed):
        return load_sources([SourceConfig(path=f'procedural:{count}')], pool=64, seed=seed)[0]

    one, more, other = load(4, 0), load(6, 0), load(4, 1)
    assert (len(one), len(more)) == (4, 6)
    assert (one.points == more.points[:4]).all()
    assert not (one.points == other.points).any(dim=0).all()
    kinds = [one.class_names[label] for label in one.labels]
    assert kinds == ['random_box', 'random_cylinder', 'random_vase', 'mug']
    assert more.names[4:] == ('random_pipe_00004', 'random_compound_00005')
    assert more.provenance['objects'] == 6


@pytest.mark.parametrize('path', ['procedural:', 'procedural:many', 'procedural:0',
                                  'procedural:-3'])
def test_a_wrong_count_of_procedural_objects_is_refused(path):
    with pytest.raises(ConfigError, match='no number of objects'):
        load_sources([SourceConfig(path=path)], pool=4, seed=0)


def test_a_file_called_procedural_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'procedural').mkdir()
    assert not SourceConfig(path='procedural').is_procedural
    assert SourceConfig(path='procedural:5').is_procedural
    assert not SourceConfig(path='procedural.npz').is_procedural
