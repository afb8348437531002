"""The fuzzer itself: every kind of failure is seen and kept, and its inputs never change."""

import ctypes
import time

from helpers import fuzzing
from helpers.fuzzing import file_reader, fuzz
from helpers.mutations import mutated
import pytest

from pointpng_core.errors import FileError


class Unbounded(FileError):
    """An error whose text is as long as what it names."""

    def __str__(self):
        return 'n' * 9000


def refuse(error):
    raise error


DEEDS = {b'fine': lambda: None, b'bad': lambda: refuse(FileError('no')),
         b'long': lambda: refuse(Unbounded()),
         b'crash': lambda: ctypes.string_at(0), b'memory': lambda: bytearray(1 << 33),
         b'slow': lambda: time.sleep(60), b'index': lambda: {}['key']}


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzzing, 'KEPT', tmp_path / 'kept')


def run(*inputs, **options):
    return fuzz(lambda data: DEEDS[data](), lambda index: inputs[index], inputs=len(inputs),
                name='deeds', **options)


def test_what_is_refused_and_accepted_is_counted():
    report = run(b'fine', b'bad', b'fine', b'fine')
    assert (report.inputs, report.refused, report.accepted, report.failures) == (4, 1, 3, {})
    report.check()


@pytest.mark.parametrize(('deed', 'what'), [
    (b'crash', 'process ended with -11'), (b'memory', 'MemoryError'), (b'index', 'KeyError'),
    (b'slow', 'took more than 1 s'), (b'long', 'message of 9000 characters')])
def test_anything_else_is_a_failure_whose_input_is_kept(deed, what):
    """What comes behind it is read all the same."""
    report = run(b'fine', b'bad', deed, b'fine', deed, b'bad', limit_s=1.0)
    assert (report.refused, report.accepted) == (2, 2)
    [(failure, (count, path))] = report.failures.items()
    assert what in failure
    assert (count, path.read_bytes()) == (2, deed)
    with pytest.raises(AssertionError, match=path.name):
        report.check()


def test_a_valid_input_that_is_refused_is_a_failure():
    assert 'valid input refused: no' in run(b'fine', b'bad', b'fine', valid=2).failures


@pytest.mark.parametrize('inputs', [[b'fine'] * 3, [b'bad'] * 3])
def test_one_outcome_alone_says_nothing(inputs):
    with pytest.raises(AssertionError, match='says nothing'):
        run(*inputs, valid=0).check()


def test_mutations_are_many_and_the_same_on_every_run():
    seeds = [b'one 1 line\nand 22 more\n' * 9, bytes(range(256))]
    make, again = mutated(seeds, seed=3), mutated(seeds, seed=3)
    inputs = [make(index) for index in range(500)]
    assert inputs[:2] == seeds
    assert inputs == [again(index) for index in range(500)]
    assert len(set(inputs)) > 450
    assert inputs[2:] != [mutated(seeds, seed=4)(index) for index in range(2, 500)]


def test_a_file_reader_gets_the_bytes_in_a_file():
    read = []
    file_reader(lambda path: read.append((path.name, path.read_bytes())), 'a.ply')(b'ply')
    assert read == [('a.ply', b'ply')]
