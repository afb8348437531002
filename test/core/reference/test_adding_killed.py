"""`kill -9` while an object is added: what is left does no harm, and the same command goes on."""

import os
import signal

from helpers.checkpoints import end_of, fork
from helpers.objects import boxes
import pytest

from pointpng_core.errors import LibraryError
from pointpng_core.io import write_mesh
from pointpng_core.io.files import atomic_write, remove_leftovers
from pointpng_core.io.object_library import load_library
from pointpng_core.reference.library import adding
from pointpng_core.reference.library.adding import NewObject, add_object


@pytest.fixture
def files(tmp_path):
    names = []
    for name, size in (('box', 0.1), ('other', 0.12)):
        write_mesh(tmp_path / f'{name}.stl', boxes(((0, 0, 0), (size, 0.05, 0.03))))
        names.append(tmp_path / f'{name}.stl')
    return names


def killed_while_adding(library, file, name, monkeypatch, moment):
    """Add an object in a process that is killed where it calls `moment`."""
    def work():
        monkeypatch.setattr(adding, moment, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        add_object(library, NewObject(file=file, name=name))

    assert end_of(fork(work)) == -signal.SIGKILL


def killed_while_writing(path):
    def work():
        with atomic_write(path) as whole:
            whole.write_bytes(b'half')
            os.kill(os.getpid(), signal.SIGKILL)

    assert end_of(fork(work)) == -signal.SIGKILL


def test_a_mesh_without_an_entry_is_adopted(tmp_path, files, monkeypatch):
    library = tmp_path / 'library'
    add_object(library, NewObject(file=files[0], name='first'))
    killed_while_adding(library, files[0], 'box', monkeypatch, 'atomic_write_text')
    assert (library / 'box.stl').exists()
    assert [model.name for model in load_library(library)] == ['first']
    add_object(library, NewObject(file=files[0], name='box'))
    assert [model.name for model in load_library(library)] == ['first', 'box']


def test_a_mesh_of_another_content_is_not_overwritten(tmp_path, files, monkeypatch):
    library = tmp_path / 'library'
    killed_while_adding(library, files[0], 'box', monkeypatch, 'atomic_write_text')
    content = (library / 'box.stl').read_bytes()
    with pytest.raises(LibraryError, match=r'box\.stl is there already; .* or --replace it'):
        add_object(library, NewObject(file=files[1], name='box'))
    assert (library / 'box.stl').read_bytes() == content
    add_object(library, NewObject(file=files[1], name='box'), replace=True)
    assert (library / 'box.stl').read_bytes() == files[1].read_bytes()


def test_leftovers_are_removed_by_the_next_add(tmp_path, files):
    library = tmp_path / 'library'
    library.mkdir()
    killed_while_writing(library / 'mug.stl')
    assert list(library.glob('tmp*.part'))
    add_object(library, NewObject(file=files[0], name='box'))
    assert sorted(path.name for path in library.iterdir()) == ['box.stl', 'objects.yaml']


def test_what_may_be_in_use_or_is_no_leftover_stays(tmp_path):
    killed_while_writing(tmp_path / 'mug.stl')
    (tmp_path / 'tmp.part').touch()                       # a file of the user
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'tmplink.part').symlink_to('elsewhere')
    assert not remove_leftovers(tmp_path, older_than_s=60.0)
    (removed,) = remove_leftovers(tmp_path)
    assert not removed.exists()
    assert (tmp_path / 'tmp.part').exists()
    assert (tmp_path / 'elsewhere').exists()


def test_a_link_in_the_library_is_not_written_through(tmp_path, files):
    library = tmp_path / 'library'
    library.mkdir()
    target = tmp_path / 'precious'
    target.write_bytes(files[0].read_bytes())
    (library / 'box.stl').symlink_to(target)
    with pytest.raises(LibraryError, match='is a link'):
        add_object(library, NewObject(file=files[1], name='box'), replace=True)
    assert target.read_bytes() == files[0].read_bytes()


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo])
def test_what_is_no_file_at_the_place_of_the_mesh_is_named(tmp_path, files, make):
    library = tmp_path / 'library'
    library.mkdir()
    make(library / 'box.stl')
    for replace in (False, True):
        with pytest.raises(LibraryError, match=r'box\.stl is there already, and is no regular'):
            add_object(library, NewObject(file=files[0], name='box'), replace=replace)
    assert [path.name for path in library.iterdir()] == ['box.stl']
