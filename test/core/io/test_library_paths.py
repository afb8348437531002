"""What an object library names: files in its folder and nothing else, and no word of others."""

import functools
import os

from helpers.objects import whole
from helpers.refusals import refusal
import pytest
import yaml

from pointpng_core.errors import FileError, LibraryError
from pointpng_core.io import write_cloud
from pointpng_core.io.files import path_inside
from pointpng_core.io.object_library import load_library, named_object
from pointpng_core.reference.library.yaml_edit import entries_in

SECRET = 'root:x:0:0:secret\n'


@pytest.fixture
def library(tmp_path):
    """A library with a mug beside a file that it must not reach."""
    folder = tmp_path / 'library'
    folder.mkdir()
    write_cloud(folder / 'mug.ply', whole('mug', 200))
    write_cloud(tmp_path / 'outside.ply', whole('mug', 200))
    (tmp_path / 'secret.xyz').write_text(SECRET)
    return folder


def load(folder, file):
    (folder / 'objects.yaml').write_text(yaml.safe_dump(
        {'objects': [{'name': 'mug', 'file': file}]}))
    return load_library(folder)


def linked(folder, name, target):
    (folder / name).symlink_to(target)
    return name


REACHING = {
    'parent': lambda folder: '../outside.ply',
    'there and back': lambda folder: f'../{folder.name}/mug.ply',
    'in the middle': lambda folder: 'sub/../../outside.ply',
    'absolute': lambda folder: str(folder.parent / 'outside.ply'),
    'absolute, inside': lambda folder: str(folder / 'mug.ply'),
    'home': lambda folder: '~/outside.ply',
    'link': lambda folder: linked(folder, 'link.ply', '../outside.ply'),
    'link inside': lambda folder: linked(folder, 'link.ply', 'mug.ply'),
    'linked folder': lambda folder: linked(folder, 'sub', '..') + '/outside.ply',
    'dangling': lambda folder: linked(folder, 'link.ply', '../nowhere.ply'),
    'device': lambda folder: '/dev/zero',
}


@pytest.mark.parametrize('kind', REACHING)
def test_paths_that_lead_out_are_refused(library, kind):
    with pytest.raises(LibraryError, match=r'object 1 \(mug\): .*(leads out of|is a link)'):
        load(library, REACHING[kind](library))
    with pytest.raises(LibraryError, match=r'leads out of|is a link'):
        named_object(library, 'mug')


def test_files_below_the_folder_are_read(library):
    (library / 'meshes').mkdir()
    (library / 'mug.ply').rename(library / 'meshes' / 'mug.ply')
    (model,) = load(library, 'meshes/mug.ply')
    assert model.path == library / 'meshes' / 'mug.ply'
    assert load(library, './meshes//mug.ply')[0].path == model.path


@pytest.mark.parametrize('name', ['x' * 300, 'a/' * 600 + 'b', 'a\x00b', 'a\x1b[2J.ply', '', None,
                                  3, ['a'], '..', '/'])
def test_names_that_are_none(tmp_path, name):
    with pytest.raises(FileError):
        path_inside(tmp_path, name)


@pytest.mark.parametrize('content', [SECRET, 'secret: hunter2\n', '- secret\n', 'a: [secret',
                                     'objects:\n  - secret\n', '"secret'])
def test_a_file_of_another_kind_is_not_quoted(library, content):
    """objects.yaml itself may be a link to anything."""
    (library.parent / 'other').write_text(content)
    (library / 'objects.yaml').symlink_to(library.parent / 'other')
    for read in (load_library, lambda folder: entries_in(content, where='x')):
        said = refusal(functools.partial(read, library))
        assert 'hunter2' not in said
        assert 'secret' not in said or content.startswith('objects:')


def test_long_names_and_odd_values_are_errors_of_the_library(library):
    for entry in ({'name': 'm' * 5000, 'file': 'mug.ply'},
                  {'name': 'mug', 'file': 'm' * 5000},
                  {'name': 'mug', 'file': 'mug.ply', 'unit': ['x' * 10**5] * 3},
                  {'name': 'mug', 'file': 'mug.ply', 'symmetry': [{'axis': [1e400, 0, 0],
                                                                   'order': 2}]},
                  {'name': 'mug', 'file': 'mug.ply', 'symmetry': [
                      {'axis': [10**400, 0, 0], 'order': 10**400}]}):
        (library / 'objects.yaml').write_text(yaml.safe_dump({'objects': [entry]}))
        with pytest.raises(LibraryError) as caught:
            load_library(library)
        assert len(str(caught.value)) < 1000


def test_a_pipe_as_a_model_does_not_hang(library):
    os.mkfifo(library / 'pipe.ply')
    with pytest.raises(LibraryError, match='not a regular file'):
        load(library, 'pipe.ply')
