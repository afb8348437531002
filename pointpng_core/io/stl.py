"""A strict reader of STL, binary and text.

Format: http://paulbourke.net/dataformats/stl/. Why not trimesh (5.2): of text files that were cut
short it returns what there is, and it refuses those in capitals or after a blank line, and binary
ones with bytes behind the last triangle.
"""

import codecs
from pathlib import Path
import re

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.io.files import read_within
from pointpng_core.io.limits import MAX_MODEL_BYTES

_HEADER_BYTES = 84
_FACET = np.dtype([('normal', '<f4', 3), ('corners', '<f4', (3, 3)), ('attributes', '<u2')])
_NUMBER = rb'[-+0-9.a-z]{1,64}(?![-+0-9.a-z])'
_VERTEX = re.compile(rb'\bvertex' + 3 * (rb'\s+(' + _NUMBER + rb')'))
_NAME = re.compile(rb'^[ \t]*solid\b[^\n]*$', re.MULTILINE)


def read_stl(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (3 F, 3) and triangles (F, 3) of a binary or text STL file.

    Each triangle has its own vertices, as in the file. Raises FileError where the file ends before
    it should.
    """
    try:
        content = read_within(path, MAX_MODEL_BYTES)
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    text = content.removeprefix(codecs.BOM_UTF8).rstrip(b'\0')
    try:
        corners = _text(text) if _is_text(text) else _binary(content)
    except ValueError as error:
        raise FileError(f'{path} is not a whole STL file: {error}') from error
    return corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3)


def _is_text(content: bytes) -> bool:
    """Return whether the file begins as text does; headers of binary files may, too."""
    words = content[:_HEADER_BYTES].split(maxsplit=1)
    if not words or words[0].lower() != b'solid':
        return False
    whole = len(content) >= _HEADER_BYTES and len(content) == _size(content)
    return not whole and b'\0' not in content


def _size(content: bytes) -> int:
    """Return the bytes that a binary file has, by the number of triangles it declares."""
    return _HEADER_BYTES + _FACET.itemsize * int.from_bytes(content[80:84], 'little')


def _binary(content: bytes) -> np.ndarray:
    """Return corners (F, 3, 3); bytes behind the last triangle are ignored."""
    if len(content) < _HEADER_BYTES or len(content) < _size(content):
        raise ValueError(f'it has {len(content)} bytes of {_size(content)}: was it cut short?'
                         if len(content) >= _HEADER_BYTES else
                         f'it has {len(content)} bytes, fewer than a header')
    count = int.from_bytes(content[80:84], 'little')
    more, behind = divmod(len(content) - _size(content), _FACET.itemsize)
    if more and not behind:
        raise ValueError(f'it declares {count} triangles, but has the bytes of {count + more}')
    return np.frombuffer(content, _FACET, count, _HEADER_BYTES)['corners'].astype(np.float64)


def _text(content: bytes) -> np.ndarray:
    """Return corners (F, 3, 3) of all solids, each of which must end."""
    text = _NAME.sub(b'solid', content.lower().replace(b'\r', b'\n'))
    solids = re.split(rb'^[ \t]*endsolid\b[^\n]*$', text, flags=re.MULTILINE)
    if solids[-1].strip() or len(solids) < 2:
        raise ValueError('its last solid has no end: was it cut short?')
    vertices = list(_VERTEX.finditer(text))
    facets, ends = (np.array([found.start() for found in re.finditer(word, text, re.MULTILINE)])
                    for word in (rb'^\s*facet\b', rb'^\s*endfacet\b'))
    at = np.array([found.start() for found in vertices])
    thrice = 3 * np.arange(len(facets))
    if len(facets) != len(ends) or (np.searchsorted(at, facets) != thrice).any() \
            or (np.searchsorted(at, ends) != thrice + 3).any() or len(at) != 3 * len(facets):
        raise ValueError(f'it has {len(facets)} facets, {len(ends)} ends of facets and {len(at)} '
                         'vertices that can be read, and each facet must have three and an end')
    numbers = [found.groups() for found in vertices]
    return np.array(numbers, dtype=np.bytes_).astype(np.float64).reshape(-1, 3, 3)
