"""Text from outside, made fit to be shown: names in files, topics, labels, values.

A file name or a label may hold control characters, which drive a terminal, forge lines of a log
or turn the direction of writing. `printable` is what everything passes through on its way to a
terminal, a log, a table or a picture.
"""

from collections.abc import Iterable
import difflib
import reprlib
from typing import Any

MESSAGE_CHARACTERS = 2000
"""No message of an error is longer."""
VALUE_CHARACTERS = 80
"""No value that a message quotes is longer."""
ALIKE = 0.6
"""Least similarity (`difflib`) of a name that is suggested: `min_hold` and `min_confidence`,
which share no more than a prefix, have .45, slips of one or two letters .65 and more."""
ALIKE_ELSEWHERE = 0.8
"""The same for names of another group."""

_shortened = reprlib.Repr()
_shortened.maxlevel = 3
_shortened.maxdict = _shortened.maxlist = _shortened.maxtuple = _shortened.maxset = 6
_shortened.maxstring = _shortened.maxother = VALUE_CHARACTERS
_shortened.maxlong = 40


def printable(text: object, *, lines: bool = False) -> str:
    r"""Return a text whose characters all print, others as escapes such as \x1b.

    `lines` keeps line ends. Escaped are control and format characters, the ones that turn the
    direction of writing among them, surrogates, and what is assigned to no character.
    """
    return ''.join(character if character.isprintable() or (lines and character == '\n')
                   else character.encode('unicode_escape').decode('ascii')
                   for character in str(text))


def for_figure(text: object) -> str:
    """Return a printable text for matplotlib, which takes what stands between dollars as maths."""
    return printable(text, lines=True).replace('$', r'\$')


def bounded(text: str, characters: int = MESSAGE_CHARACTERS) -> str:
    """Return a text without its middle where it is longer than a number of characters."""
    if len(text) <= characters:
        return text
    half = (characters - 5) // 2
    return f'{text[:half]} ... {text[-half:]}'


def shown(value: Any) -> str:
    """Return a value for a message: its `repr`, of printable characters and bounded length.

    Nested values are left out before they are written: some hundred bytes of YAML aliases make a
    `repr` of gigabytes.
    """
    try:
        text = _shortened.repr(value)
    except ValueError:                     # whole numbers of more than 4300 digits have no text
        text = f'a {type(value).__name__} that is too long to be shown'
    return bounded(printable(text), VALUE_CHARACTERS)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant, None where none is alike.

    Of names with dots, as those of parameters, the last parts are compared, first in the same
    group, so that what the names of a group have in common does not count.
    """
    group, _, last = name.rpartition('.')
    groups: dict[str, dict[str, str]] = {}
    for known in names:
        own_group, _, own_last = known.rpartition('.')
        groups.setdefault(own_group, {})[own_last] = known
    same = groups.pop(group, {})
    others = {part: known for members in groups.values() for part, known in members.items()}
    for candidates, cutoff in ((same, ALIKE), (others, ALIKE_ELSEWHERE)):
        near = difflib.get_close_matches(last, candidates, n=1, cutoff=cutoff)
        if near:
            return candidates[near[0]]
    near = difflib.get_close_matches(group, [key for key in groups if last in groups[key]], n=1)
    return groups[near[0]][last] if near else None


def did_you_mean(name: object, names: Iterable[str], *, known: str = 'known keys') -> str:
    """Return a question for an unknown name, or else the list of the names that are known.

    `known` says what they are.
    """
    names = list(names)
    near = nearest(str(name), names)
    return f'did you mean {near!r}?' if near \
        else f'{known}: {", ".join(map(printable, names))}'
