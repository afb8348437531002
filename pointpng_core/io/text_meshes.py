"""Readers of the text formats OBJ and OFF, with polygons of any number of corners.

Formats: http://paulbourke.net/dataformats/obj/, http://paulbourke.net/dataformats/oogl/ (OFF).
Why not trimesh (measured with 5.2): of OBJ it takes index 0 for vertex 1, counts negative indices
from the end of the file and not from the line they are in, and reverses the order of objects; of
OFF it refuses polygons of more than four corners and reads a fifth of all files that were cut
short as if they were whole.
"""

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
import re
from typing import TypeVar

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.geometry.polygons import split_polygons
from pointpng_core.io.files import read_within
from pointpng_core.io.limits import MAX_TEXT_MODEL_BYTES

# The numbers may follow at once, as in ModelNet40: `OFF490 518 0`. The count of edges is optional.
_OFF_HEADER = re.compile(r'\s*[A-Z]*OFF\s*(\d+)[ \t]+(\d+)([ \t]+\d+)?[ \t]*$',
                         re.MULTILINE | re.IGNORECASE)
_FACES = ('f', 'fo')                     # the latter in files of before 1995
_READ = ('v', *_FACES)
_NO_NUMBER = 'it holds what is no number'
_Number = TypeVar('_Number', int, float)
_ELSEWHERE = ('call', 'surf')            # another file, and free-form surfaces


def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) float64 and triangles (F, 3) int64 of an OBJ file.

    Materials, normals, texture coordinates and lines do not change the surface and are ignored.
    Faces of fewer than three corners are no surface and are ignored, too. Raises FileError naming
    the line that cannot be read. A file cut between two lines cannot be distinguished from a whole
    one: the format declares no sizes.
    """
    vertices: list[list[float]] = []
    polygons: list[list[int]] = []
    text = _text(path)
    unended = text.count('\n') + 1        # the line that no line end follows: it may be cut short
    for number, line in _obj_lines(text):
        words = line.split()
        try:
            if words[0] == 'v':
                vertices.append([_number(float, word) for word in words[1:4]])
            elif words[0] in _FACES:
                polygons.append([_obj_index(word, len(vertices)) for word in words[1:]])
            if words[0] in _ELSEWHERE:
                raise ValueError(f'its surface is not all in faces ({words[0]!r}): save it so')
            if words[0] in _READ:
                _require_numbers(line, len(words) - 1, least=0 if words[0] in _FACES
                                 and number != unended else 3)
        except ValueError as error:
            raise FileError(f'{path}, line {number}: {error}') from error
    points = np.array(vertices, dtype=np.float64).reshape(-1, 3)
    try:
        return points, split_polygons(polygons, points)
    except (ValueError, OverflowError) as error:
        raise FileError(f'{path} is not a whole OBJ file: {error}') from error


def _obj_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines by number, without comments; faces and vertices may go on behind a backslash.

    Other lines may end with one that means nothing, in a path of Windows for one.
    """
    begun, first = '', 1
    for number, whole in enumerate(text.split('\n'), start=1):
        line = whole.partition('#')[0].strip()
        first, line = first if begun else number, begun + line
        begun = ''
        if line.endswith('\\') and line.split(maxsplit=1)[0] in _READ:
            begun = line[:-1] + ' '
        elif line:
            yield first, line
    if begun:
        yield first, begun


def _number(kind: Callable[[str], _Number], word: str) -> _Number:
    """Return a number; the ValueError does not quote the word: the file may be of any kind."""
    try:
        return kind(word)
    except ValueError as error:
        raise ValueError(_NO_NUMBER) from error


def _require_numbers(line: str, count: int, *, least: int) -> None:
    """Raise ValueError for too few, and for what only Python takes for a number."""
    if count < least:
        raise ValueError('it has too few numbers')
    if '_' in line or not line.isascii():
        raise ValueError(_NO_NUMBER)


def read_off(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) float64 and triangles (F, 3) int64 of an OFF file.

    Colours and normals are ignored. Raises FileError when the file has no OFF header or ends
    before the vertices and faces that it declares.
    """
    text = re.sub('#[^\n]*', '', _text(path))
    header = _OFF_HEADER.match(text)
    if header is None:
        raise FileError(f'{path} has no valid OFF header')
    body = text[header.end():]
    lines = [line for line in body.split('\n') if line and not line.isspace()]
    try:
        vertex_count, face_count = int(header[1]), int(header[2])
        if len(lines) != vertex_count + face_count:
            raise ValueError(f'it declares {vertex_count} vertices and {face_count} faces, but '
                             f'has {len(lines)} rows of numbers: was it cut short?')
        if '_' in body or not body.isascii():
            raise ValueError(_NO_NUMBER)
        vertices = np.array([[float(word) for word in line.split()[:3]]
                             for line in lines[:vertex_count]]).reshape(vertex_count, 3)
        return vertices, split_polygons([_off_polygon(line.split()) for line in
                                         lines[vertex_count:]], vertices)
    except (ValueError, OverflowError) as error:
        raise FileError(f'{path} is not a whole OFF file: {error}') from error


def _text(path: Path) -> str:
    """Return the text of a file with lines that end as on Linux; raises FileError."""
    try:
        content = read_within(path, MAX_TEXT_MODEL_BYTES)
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode('utf-16' if wide else 'utf-8-sig', errors='replace')
    return text.replace('\r\n', '\n').replace('\r', '\n')


def _obj_index(word: str, vertices: int) -> int:
    """Return the 0-based vertex of `7`, `7/1/2` or `-1` (the vertex read last)."""
    index = _number(int, word.split('/', maxsplit=1)[0])
    return index - 1 if index > 0 else vertices + index if index < 0 else -1


def _off_polygon(row: list[str]) -> list[int]:
    """Return the vertices of a face `3 0 1 2`, which may be followed by a colour."""
    count = int(row[0])
    if not 0 <= count < len(row):
        raise ValueError(f'the face {" ".join(row)[:200]!r} has fewer than {count} vertices')
    return [int(word) for word in row[1:count + 1]]
