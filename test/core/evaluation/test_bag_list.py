"""Which bags files, folders and patterns mean, and the names of their results."""

import os

from helpers.bags import write_bag
import pytest

from pointpng_core.errors import FileError
from pointpng_core.evaluation.recordings import bag_list
from pointpng_core.evaluation.recordings.bag_list import find_recordings


@pytest.fixture
def recordings(tmp_path, monkeypatch):
    """A bag of each kind, at different depths, with files beside them that are no bags."""
    for folder, kind in (('day1', 'mcap'), ('day2/morning', 'db3'), ('day2', 'bag')):
        (tmp_path / 'all' / folder).mkdir(parents=True, exist_ok=True)
        write_bag(tmp_path / 'all' / folder, kind, count=2)
    (tmp_path / 'all' / 'notes.txt').write_text('none of them')
    (tmp_path / 'empty').mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'all'


def names(*given):
    return [recording.name for recording in find_recordings(given)]


def test_a_folder_is_searched_at_any_depth(recordings):
    assert names('all') == ['day1/mcap', 'day2/morning/db3', 'day2/one.bag']
    assert [recording.path for recording in find_recordings(['all'])] == [
        recordings / 'day1/mcap', recordings / 'day2/morning/db3', recordings / 'day2/one.bag']


def test_a_folder_may_be_a_bag_itself(recordings):
    assert names('all/day1/mcap') == ['mcap']
    assert names(str(recordings / 'day1/mcap')) == ['mcap']


def test_the_storage_file_within_a_bag_is_a_bag(recordings):
    assert names('all/day1/mcap/mcap.mcap') == ['mcap.mcap']


@pytest.mark.parametrize(('pattern', 'found'), [
    ('all/day*/mcap', ['mcap']), ('all/**/*.bag', ['one.bag']), ('all/day?', [
        'day1/mcap', 'day2/morning/db3', 'day2/one.bag'])])
def test_a_pattern_that_the_shell_left_alone_is_expanded(recordings, pattern, found):
    assert names(pattern) == found
    expanded = sorted(str(path) for path in recordings.parent.glob(pattern))
    assert names(*expanded) == found


def test_names_are_relative_to_the_deepest_common_folder(recordings):
    assert names('all/day1/mcap', 'all/day2/morning/db3') == ['day1/mcap', 'day2/morning/db3']
    assert names('all/day2') == ['morning/db3', 'one.bag']


def test_a_bag_that_is_given_twice_is_one(recordings):
    assert names('all', 'all/day1', 'all/day1/mcap') == names('all')


def test_a_name_with_brackets_that_exists_is_no_pattern(recordings):
    (recordings / 'day1').rename(recordings / 'day[1]')
    assert names('all/day[1]') == ['mcap']


def test_the_size_is_that_of_the_storage_files(recordings):
    sizes = {recording.name: recording.size_bytes for recording in find_recordings(['all'])}
    assert sizes['day1/mcap'] == os.path.getsize(recordings / 'day1/mcap/mcap.mcap')
    assert sizes['day2/one.bag'] == os.path.getsize(recordings / 'day2/one.bag')


@pytest.mark.parametrize('name', ['day1/mcap', 'day2/one.bag'])
def test_the_size_of_a_bag_that_is_gone_is_refused(recordings, name):
    recording, = (each for each in find_recordings(['all']) if each.name == name)
    recording.path.rename(recordings / 'moved')
    with pytest.raises(FileError, match=rf'cannot read .*/{name}: No such file'):
        assert recording.size_bytes


@pytest.mark.parametrize(('given', 'message'), [
    ('gone', 'there is no bag gone'), ('gone*', "no file or folder matches 'gone\\*'"),
    ('empty', r'empty holds no bag: neither a file .mcap, .db3, .bag nor'),
    ('all/*.txt', 'holds no bag'), ('all/notes.txt', 'holds no bag')])
def test_what_is_no_bag_is_refused(recordings, given, message):
    with pytest.raises(FileError, match=message):
        find_recordings(['all', given])


def test_a_search_without_end_is_not_begun(tmp_path, monkeypatch):
    """Neither of the whole file system, nor of more folders than hold the first bag."""
    with pytest.raises(FileError, match='/ is the whole file system, and no recording'):
        find_recordings(['/'])
    monkeypatch.setattr(bag_list, 'PATIENCE', 3)
    for name in 'abcd':
        (tmp_path / name / 'deeper').mkdir(parents=True)
    with pytest.raises(FileError, match='holds no bag in the first 3 folders'):
        find_recordings([str(tmp_path)])
    (tmp_path / 'one.mcap').touch()
    assert [found.name for found in find_recordings([str(tmp_path)])] == ['one.mcap']
