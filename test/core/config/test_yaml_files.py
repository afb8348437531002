"""YAML from outside: limits before it unfolds, the right kind of error, no word of the file."""

import os

from helpers.refusals import refusal
import pytest

from pointpng_core.config import parse_yaml, read_yaml_mapping
from pointpng_core.config.yaml_files import MAX_YAML_BYTES
from pointpng_core.errors import FileError

ALIASES = 'a: &a [x, x, x, x, x, x, x, x, x, x]\n' + ''.join(
    f'{b}: &{b} [{", ".join([f"*{a}"] * 10)}]\n' for a, b in zip('abcdefgh', 'bcdefghi'))
PASSWORDS = 'root:x:0:0:root:/root:/bin/bash\ndaemon:\t"secret\n'


@pytest.mark.parametrize(('text', 'message'), [
    (ALIASES, 'more than 100000 values'),
    ('[' * 5000, 'nested more than 32 deep'),
    ('a: ' * 40, 'not valid YAML'),
    ('a: &x [*x]', 'an alias stands for a value that contains it'),
    ('a: 2024-13-45', r'impossible date .*\(ValueError\)'),
    ('a: ' + '9' * 5000, 'more than 100 digits'),
    ('a: 0x' + '9' * 5000, 'more than 100 digits'),
    ("a: !!int ''", 'a value that cannot be read'),
    ('a: !!timestamp b', 'a value that cannot be read'),
    ('a: 1\nb: {c: 1, "c": 2}', 'a key is given twice in the mapping that begins in line 2'),
    ('a: \x07', 'character 3 is not allowed'),
    ('a: !!python/object/apply:os.system [id]', 'could not determine a constructor'),
    ('a\n---\nb', 'expected a single document'),
])
def test_hostile_text_is_refused(text, message):
    with pytest.raises(FileError, match=f'(?s)^f.yaml.*{message}'):
        parse_yaml(text, where='f.yaml')


@pytest.mark.parametrize('text', [
    PASSWORDS, 'a: *secret', '!secret x', 'secret: [', 'a: {secret', '%secret\n', "'secret",
    'a: secret\n\tsecret: b', '? secret', 'secret: 1: 2'])
def test_no_error_quotes_the_file(text):
    said = refusal(lambda: parse_yaml(text, where='f.yaml'))
    assert 'secret' not in said
    assert 'root' not in said


def test_ordinary_text_is_read_as_ever():
    assert parse_yaml('a: &x {b: [1, 2.5, yes]}\nc: *x\nd: {<<: *x, e: f}', where='f.yaml') == {
        'a': {'b': [1, 2.5, True]}, 'c': {'b': [1, 2.5, True]},
        'd': {'b': [1, 2.5, True], 'e': 'f'}}
    assert parse_yaml('---\n---\na: 1\n---\nb: 2', where='f.yaml', first=True) == {'a': 1}


def test_many_aliases_of_small_values_are_no_harm():
    text = 'a: &x [1, 2]\n' + ''.join(f'b{i}: *x\n' for i in range(5000))
    assert len(parse_yaml(text, where='f.yaml')) == 5001


def test_files_that_are_none(tmp_path):
    large, pipe = tmp_path / 'large.yaml', tmp_path / 'pipe.yaml'
    large.write_bytes(b'#' * (MAX_YAML_BYTES + 1))
    os.mkfifo(pipe)
    for path, message in ((large, 'more than 1048576 bytes'), (pipe, 'not a regular file'),
                          (tmp_path / 'gone.yaml', 'No such file'), (tmp_path, 'regular file'),
                          (tmp_path / ('x' * 5000), 'File name too long'),
                          (tmp_path / 'a\x00b', 'null')):
        with pytest.raises(FileError, match=message):
            read_yaml_mapping(path)
