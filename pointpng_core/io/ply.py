"""A strict reader of PLY, for meshes with polygons and for clouds.

Format: http://paulbourke.net/dataformats/ply/ (ascii, binary of either byte order, polygons).
Why not a library: of files that were cut short, Open3D 0.19 returns uninitialised points; trimesh
5.2 reads a sixth of those in ascii as if they were whole, refuses binary files with polygons of
different sizes, and splits vertices where they have texture coordinates.
"""

import codecs
import dataclasses
from pathlib import Path
import re
from typing import Any

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.geometry.polygons import split_polygons
from pointpng_core.io.files import read_within
from pointpng_core.io.limits import MAX_MODEL_BYTES

_TYPES = {'char': 'i1', 'int8': 'i1', 'uchar': 'u1', 'uint8': 'u1', 'short': 'i2', 'int16': 'i2',
          'ushort': 'u2', 'uint16': 'u2', 'int': 'i4', 'int32': 'i4', 'uint': 'u4', 'uint32': 'u4',
          'float': 'f4', 'float32': 'f4', 'double': 'f8', 'float64': 'f8'}
_ORDERS = {'ascii': '', 'binary_little_endian': '<', 'binary_big_endian': '>'}
_INDEX_NAMES = ('vertex_indices', 'vertex_index')
_END = re.compile(rb'^end_header[ \t\r]*\n', re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Property:
    name: str
    kind: str
    length_kind: str = ''  # not empty: a list, preceded by its length in this type


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Element:
    name: str
    count: int
    properties: tuple[_Property, ...]


def read_ply(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) float64 and faces (F, 3) int64; F = 0 where the file holds a cloud.

    Polygons are split into triangles. Raises FileError when the header is not PLY's, or when the
    file ends before what it declares.
    """
    try:
        return _parse(read_within(path, MAX_MODEL_BYTES).removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError) as error:
        raise FileError(f'{path} is not a whole PLY file: {error}') from error


def _parse(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    order, elements, start = _header(content)
    source = _Binary(content, start, order) if order else _Ascii(content[start:])
    vertices, polygons = None, None
    for element in elements:
        columns = source.columns(element)
        if element.name == 'vertex':
            vertices = np.stack([np.asarray(columns[axis], dtype=np.float64).reshape(element.count)
                                 for axis in 'xyz'], axis=1)
        elif element.name == 'face' and element.count:
            polygons = columns[_index_name(element)]
        elif element.name == 'tristrips':
            raise ValueError('triangle strips are not read here: save it with plain faces')
    if vertices is None:
        raise ValueError('it declares no element "vertex"')
    source.require_end()
    return vertices, split_polygons([] if polygons is None else polygons, vertices)


def _index_name(element: _Element) -> str:
    for p in element.properties:
        if p.name in _INDEX_NAMES and p.length_kind:
            return p.name
    raise ValueError(f'its faces have no list {" or ".join(_INDEX_NAMES)}')


def _header(content: bytes) -> tuple[str, list[_Element], int]:
    """Return the byte order ('' for ascii), the elements and where the data start."""
    found = _END.search(content)
    if not content.startswith(b'ply') or found is None:
        raise ValueError('it has no header "ply ... end_header"')
    end = found.start()
    order, elements = None, []
    for line in content[:end].decode('latin-1').split('\n')[1:]:
        words = line.split() or ['']
        if words[0] == 'format':
            order = _ORDERS[words[1]]
        elif words[0] == 'element':
            elements.append(_Element(name=words[1], count=int(words[2]), properties=()))
        elif words[0] == 'property':
            elements[-1] = _with_property(elements[-1], words[1:])
    names = [element.name for element in elements]
    if order is None or len(set(names)) < len(names):
        raise ValueError('its header names no format' if order is None else
                         'its header declares an element twice')
    return order, elements, found.end()


def _with_property(element: _Element, words: list[str]) -> _Element:
    if words[0] == 'list':
        new = _Property(name=words[3], kind=_TYPES[words[2]], length_kind=_TYPES[words[1]])
    else:
        new = _Property(name=words[1], kind=_TYPES[words[0]])
    return dataclasses.replace(element, properties=(*element.properties, new))


class _Binary:
    """Takes the columns of one element after the other out of binary data."""

    def __init__(self, content: bytes, start: int, order: str) -> None:
        self._content, self._at, self._order = content, start, order

    def columns(self, element: _Element) -> dict[str, Any]:
        lists = [p for p in element.properties if p.length_kind]
        if not lists:
            return self._table(element, lengths={})
        before = self._at
        try:  # in nearly every file all faces are alike: read them as one table
            lengths = self._first_lengths(element)
            table = self._table(element, lengths)
            if all((table['#' + p.name] == lengths[p.name]).all() for p in lists):
                return table
        except ValueError:
            pass
        self._at = before
        return self._rows(element)

    def require_end(self) -> None:
        """Raise ValueError where more follows than spaces: then a declared count is wrong."""
        if self._content[self._at:].strip(b'\0 \t\r\n'):
            raise ValueError(f'{len(self._content) - self._at} bytes follow what it declares')

    def _first_lengths(self, element: _Element) -> dict[str, int]:
        """Return how long each list of the first row is: three corners, six texture coordinates.

        Nothing is taken.
        """
        before = self._at
        row = self._rows(dataclasses.replace(element, count=min(element.count, 1)))
        self._at = before
        return {p.name: len(row[p.name][0]) if row[p.name] else 0
                for p in element.properties if p.length_kind}

    def _table(self, element: _Element, lengths: dict[str, int]) -> dict[str, Any]:
        fields: list[Any] = []
        for p in element.properties:
            if p.length_kind:
                fields.append(('#' + p.name, self._order + p.length_kind))
            shape = (lengths[p.name],) if p.length_kind else ()
            fields.append((p.name, self._order + p.kind, shape))
        rows = self._take(np.dtype(fields), element.count)
        return {name: rows[name] for name in rows.dtype.names or ()}

    def _rows(self, element: _Element) -> dict[str, Any]:
        columns: dict[str, Any] = {p.name: [] for p in element.properties}
        for _ in range(element.count):
            for p in element.properties:
                length = 1
                if p.length_kind:
                    length = int(self._take(np.dtype(self._order + p.length_kind), 1)[0])
                columns[p.name].append(self._take(np.dtype(self._order + p.kind), length))
        return columns

    def _take(self, dtype: np.dtype, count: int) -> np.ndarray:
        if count < 0 or self._at + count * dtype.itemsize > len(self._content):
            raise ValueError('it ends before all declared elements: was it cut short?')
        taken = np.frombuffer(self._content, dtype=dtype, count=count, offset=self._at)
        self._at += taken.nbytes
        return taken


class _Ascii:
    """Takes the columns of one element after the other out of lines of numbers."""

    def __init__(self, content: bytes) -> None:
        text = content.decode('ascii').rstrip('\0').replace('\r', '\n')
        if '_' in text:
            raise ValueError('it holds what is no number')
        self._lines = [line for line in text.split('\n') if line and not line.isspace()]

    def require_end(self) -> None:
        """Raise ValueError where more rows follow: then a declared count is wrong."""
        if self._lines:
            raise ValueError(f'{len(self._lines)} rows follow what it declares')

    def columns(self, element: _Element) -> dict[str, Any]:
        lines, self._lines = self._lines[:element.count], self._lines[element.count:]
        if element.count < 0 or len(lines) < element.count:
            raise ValueError('it ends before all declared elements: was it cut short?')
        if not any(p.length_kind for p in element.properties):
            return self._table(element, [line.split() for line in lines])
        columns: dict[str, Any] = {p.name: [] for p in element.properties}
        for line in lines:
            self._split(element, [float(word) for word in line.split()], columns)
        return columns

    @staticmethod
    def _table(element: _Element, rows: list[list[str]]) -> dict[str, Any]:
        width = len(element.properties)
        if any(len(row) != width for row in rows):
            raise ValueError('a line has not as many numbers as declared: was it cut short?')
        table = np.array(rows, dtype=np.float64).reshape(-1, width)
        return {p.name: table[:, i] for i, p in enumerate(element.properties)}

    @staticmethod
    def _split(element: _Element, numbers: list[float], columns: dict[str, Any]) -> None:
        at = 0
        for p in element.properties:
            length = 1
            if p.length_kind:
                length, at = int(numbers[at]), at + 1
                if length < 0 or length != numbers[at - 1]:
                    raise ValueError(f'a list has the length {numbers[at - 1]}')
            columns[p.name].append(np.array(numbers[at:at + length]))
            at += length
        if len(numbers) != at:
            raise ValueError('a line has not as many numbers as declared: was it cut short?')
