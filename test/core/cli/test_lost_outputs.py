"""Outputs that cannot be written, and Ctrl-C while a command still loads: no traceback."""

import os
from pathlib import Path
import resource
import subprocess
import sys

import pytest

from pointpng_core.cli import main as cli
from pointpng_core.cli.output import write_json
from pointpng_core.cli.streams import CLOSED_CODE, UNWRITABLE_CODE, with_streams
from pointpng_core.errors import FileError

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, '-m', 'pointpng_core.cli.main']
HELP, LIST, WRONG = ['--help'], ['objects', 'list', '--library', '.'], ['estimate', 'a.x', 'b.x']


@pytest.fixture
def library(tmp_path):
    (tmp_path / 'objects.yaml').write_text('objects: []\n')
    return tmp_path


def start(folder, words, *, command=COMMAND, path=(ROOT,), **streams):
    """Run a command in a folder, buffered as in a shell; return its code and what it said."""
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONUNBUFFERED'}
    environment['PYTHONPATH'] = os.pathsep.join(map(str, path))
    done = subprocess.run([*command, *words], cwd=folder, env=environment, text=True, timeout=60,
                          check=False, **{'stderr': subprocess.PIPE, **streams})
    return done.returncode, done.stderr


def closed_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_a_closed_pipe_ends_a_command_without_a_word(library):
    pipe = closed_pipe()
    assert start(library, HELP, stdout=pipe) == (CLOSED_CODE, '')
    os.close(pipe)


@pytest.mark.parametrize('words', [HELP, LIST])
def test_a_full_disk_is_one_line(library, words):
    with open('/dev/full', 'w', encoding='utf-8') as full:
        code, said = start(library, words, stdout=full)
    assert code == UNWRITABLE_CODE
    assert said == 'pointpng: error: cannot write the output: No space left on device\n'


def test_errors_that_cannot_be_shown_keep_a_code_of_their_own(library):
    with open('/dev/full', 'w', encoding='utf-8') as full:
        assert start(library, WRONG, stderr=full)[0] == UNWRITABLE_CODE
    pipe = closed_pipe()
    assert start(library, WRONG, stderr=pipe)[0] == CLOSED_CODE
    os.close(pipe)


def test_a_pipe_of_the_command_itself_is_no_closed_output():
    def broken():
        raise BrokenPipeError('of a worker')
    with pytest.raises(BrokenPipeError, match='of a worker'):
        with_streams(broken)


@pytest.mark.parametrize('command', [
    COMMAND, [sys.executable, '-c', 'from pointpng_ros.cli import main; exit(main())']])
def test_an_interrupt_while_packages_load_is_quiet(library, command):
    """A numpy that is interrupted when it is imported, which nothing may do earlier."""
    (library / 'stub').mkdir()
    (library / 'stub' / 'numpy.py').write_text('raise KeyboardInterrupt\n')
    found = start(library, LIST, command=command, path=(library / 'stub', ROOT))
    assert found == (cli.INTERRUPTED_CODE, '')


def test_json_is_whole_or_as_it_was(tmp_path):
    target, link = tmp_path / 'a.json', tmp_path / 'link.json'
    link.symlink_to(target)
    write_json(str(link), {'a': 1})
    before = target.read_text()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))      # a disk that is full soon
    try:
        for path in (target, link, tmp_path / 'new.json'):
            with pytest.raises(FileError, match=r'cannot write .*json: File too large'):
                write_json(str(path), {'a': 5000 * 'b'})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert link.is_symlink()
    assert target.read_text() == before
    assert sorted(tmp_path.iterdir()) == [target, link]


def test_devices_are_not_replaced_by_files(tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_json(str(pipe), {'a': 1})
    assert os.read(reader, 100) == b'{\n  "a": 1\n}\n'
    os.close(reader)
    assert pipe.is_fifo()
    with pytest.raises(FileError, match='/dev/full: No space left'):
        write_json('/dev/full', {'a': 1})
