"""A strict reader of STL, binary and text.

Format: http://paulbourke.net/dataformats/stl/. Why not trimesh (5.2): of text files that were cut
short it returns what there is, and it refuses those in capitals or after a blank line, and binary
ones with bytes behind the last triangle.
"""

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


def read_stl(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (3 F, 3) and triangles (F, 3) of a binary or text STL file.

    Each triangle has its own vertices, as in the file. Raises FileError where the file ends before
    it should.
    """
    try:
        content = read_within(path, MAX_MODEL_BYTES)
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    try:
        corners = _text(content) if _is_text(content) else _binary(content)
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
    return np.frombuffer(content, _FACET, count, _HEADER_BYTES)['corners'].astype(np.float64)


def _text(content: bytes) -> np.ndarray:
    """Return corners (F, 3, 3) of all solids, each of which must end."""
    text = content.lower()
    solids = re.split(rb'^[ \t]*endsolid[^\n]*$', text, flags=re.MULTILINE)
    if solids[-1].strip() or len(solids) < 2:
        raise ValueError('its last solid has no end: was it cut short?')
    vertices = _VERTEX.findall(text)
    facets, ends = (len(re.findall(word, text, re.MULTILINE))
                    for word in (rb'^\s*facet\b', rb'^\s*endfacet\b'))
    if not len(vertices) == 3 * facets == 3 * ends:
        raise ValueError(f'it has {facets} facets, {ends} ends of facets and {len(vertices)} '
                         'vertices that can be read, and each facet must have three and an end')
    return np.array(vertices, dtype=np.bytes_).astype(np.float64).reshape(-1, 3, 3)
