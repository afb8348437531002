"""Text from outside on its way to a terminal or a message: nothing acts, nothing is endless."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from pointpng_core.errors import FileError
from pointpng_core.text import (
    MESSAGE_CHARACTERS,
    VALUE_CHARACTERS,
    bounded,
    did_you_mean,
    nearest,
    printable,
    shown,
)

ACTING = ('\x1b[2J', '\x1b]0;owned\x07', '\x9b31m', '\r', '\x08', '\u202e', '\u2066', '\u2028',
          '\x00', '\udcff', '\u200b')


@pytest.mark.parametrize('acting', ACTING)
def test_characters_that_act_become_escapes(acting):
    text = printable(f'mug{acting}cup')
    assert text.isprintable()
    assert text.startswith('mug')
    assert text.endswith('cup')
    assert text.encode()                                # surrogates cannot be written


def test_what_prints_stays_as_it_is():
    assert printable('Tasse Größe 3 µm ☕ [red] $x$') == 'Tasse Größe 3 µm ☕ [red] $x$'
    assert printable('a\nb') == r'a\nb'
    assert printable('a\nb\x1b', lines=True) == 'a\nb\\x1b'
    assert printable(7) == '7'


@given(st.text(st.characters(codec=None), max_size=40))
def test_everything_prints_and_nothing_that_prints_is_changed(text):
    result = printable(text)
    assert result.isprintable()
    assert ''.join(c for c in text if c.isprintable()) in result or not text.isprintable()
    assert result == text or not text.isprintable()


def test_an_error_is_one_printable_line_of_bounded_length():
    error = FileError('cannot read a\nb\x1b[2J' + 'x' * 10**6)
    assert str(error).isprintable()
    assert len(str(error)) <= MESSAGE_CHARACTERS
    assert str(error).startswith(r'cannot read a\nb\x1b[2J')


def nested(depth, width):
    value = ['x'] * width
    for _ in range(depth):
        value = [value] * width
    return value


@pytest.mark.parametrize('value', [
    nested(9, 10), {'a': nested(9, 10)}, 'x' * 10**6, 10**5000, list(range(10**6)), b'\x1b' * 999,
    {f'{i}': i for i in range(1000)}, '\x1b' * 70], ids=range(8))
def test_a_shown_value_is_short_whatever_it_is(value):
    text = shown(value)
    assert len(text) <= VALUE_CHARACTERS
    assert text.isprintable()


def test_small_values_are_shown_as_they_are():
    for value in ('mug', 3, 2.5, [1, 2], {'a': 'b'}, None, float('nan')):
        assert shown(value) == repr(value)


def test_bounded_keeps_both_ends():
    assert bounded('abcdefghij' * 10, 25) == 'abcdefghij ... abcdefghij'
    assert bounded('short', 25) == 'short'


PARAMETERS = ('pipeline.min_confidence', 'pipeline.max_objects', 'pipeline.min_points',
              'estimator.search.peaks', 'roi.enabled', 'cloud_topic', 'max_rate_hz')


@pytest.mark.parametrize(('wrong', 'right'), [
    ('pipeline.min_hold', None),                        # shares a prefix with others, no more
    ('pipeline.max_age', None),
    ('pipeline.min_confidense', 'pipeline.min_confidence'),
    ('min_confidence', 'pipeline.min_confidence'),      # another group
    ('pipelin.max_objects', 'pipeline.max_objects'),
    ('estimator.peaks', 'estimator.search.peaks'),
    ('cloud_topics', 'cloud_topic'),
    ('xyz', None)])
def test_the_name_that_was_meant(wrong, right):
    assert nearest(wrong, PARAMETERS) == right


def test_a_hint_names_the_nearest_or_all():
    assert did_you_mean('serch', ['search', 'views']) == "did you mean 'search'?"
    assert did_you_mean('zzz', ['search', 'views']) == 'known keys: search, views'
