"""A strict reader of PCD files: every TYPE and SIZE, ascii, binary and compressed data.

Format: https://pointclouds.org/documentation/tutorials/pcd_file_format.html. Why not Open3D
(0.19): coordinates that are not 4-byte floats become zeros without a word, rows that are
missing become points at the origin, and a header may ask for any amount of memory.
"""

from dataclasses import dataclass
from io import BytesIO
from itertools import takewhile
from pathlib import Path
import struct
import warnings

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.files import read_within
from pointpng_core.io.limits import (
    MAX_ARRAY_BYTES,
    MAX_MODEL_BYTES,
    MAX_PCD_FIELDS,
    MAX_PCD_POINTS,
)
from pointpng_core.io.lzf import decompressed

_KINDS = {('F', 4): 'f4', ('F', 8): 'f8', **{
    (kind, size): f'{kind.lower()}{size}' for kind in 'IU' for size in (1, 2, 4, 8)}}
_HEADER_BYTES = 1 << 16
_DATA = b'DATA'


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What a file declares: a type for each field, how often it is repeated, and the points."""

    fields: tuple[str, ...]
    types: tuple[np.dtype, ...]
    counts: tuple[int, ...]
    points: int
    data: str
    start: int
    """Byte at which the data begin."""

    @property
    def point(self) -> np.dtype:
        """Return the type of one point, its fields named by their places."""
        return np.dtype([(f'{place}', kind, (count,)) for place, (kind, count) in enumerate(
            zip(self.types, self.counts))])


def read_pcd(path: Path) -> NDArray[np.float64]:
    """Return the points (N, 3) of a PCD file, non-finite ones included.

    Raises FileError where the header is not one of PCD, or the file holds less than it declares.
    """
    try:
        content = read_within(path, MAX_MODEL_BYTES)
        header = _header(content)
        columns = _READERS[header.data](content[header.start:], header)
        return np.stack([_coordinate(axis, header, columns) for axis in 'xyz'], axis=1)
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    except (ValueError, KeyError, IndexError, struct.error, OverflowError) as error:
        raise FileError(f'{path} is not a whole PCD file: {error}') from error


def _header(content: bytes) -> _Header:
    lines: dict[str, list[str]] = {}
    at = 0
    while True:
        end = content.find(b'\n', at, at + _HEADER_BYTES)
        line = content[at:] if end < 0 else content[at:end]
        words = line.decode('ascii', errors='replace').split()
        if words and not words[0].startswith('#'):
            lines.setdefault(words[0], words[1:])
        if line.startswith(_DATA) or end < 0 or end > _HEADER_BYTES:
            break
        at = end + 1
    missing = [name for name in ('FIELDS', 'SIZE', 'TYPE', 'DATA') if not lines.get(name)]
    if missing:
        raise ValueError(f'its header has no line {missing[0]}')
    return _checked(lines, len(content) if end < 0 else end + 1)


def _checked(lines: dict[str, list[str]], start: int) -> _Header:
    fields, sizes, kinds = lines['FIELDS'], lines['SIZE'], lines['TYPE']
    counts = lines.get('COUNT') or ['1'] * len(fields)
    if not len(fields) == len(sizes) == len(kinds) == len(counts) <= MAX_PCD_FIELDS:
        raise ValueError(f'FIELDS, SIZE, TYPE and COUNT have {len(fields)}, {len(sizes)}, '
                         f'{len(kinds)} and {len(counts)} words; all must have as many, at most '
                         f'{MAX_PCD_FIELDS}')
    header = _Header(
        fields=tuple(fields), types=tuple(map(_type, kinds, sizes)),
        counts=tuple(_number('COUNT', word) for word in counts), points=_points(lines),
        data=lines['DATA'][0], start=start)
    if header.data not in _READERS:
        raise ValueError(f'DATA is {header.data!r}, but must be {", ".join(_READERS)}')
    if header.points > MAX_PCD_POINTS or header.points * header.point.itemsize > MAX_ARRAY_BYTES:
        raise ValueError(f'it declares {header.points} points of {header.point.itemsize} bytes; '
                         f'at most {MAX_PCD_POINTS} are read, and {MAX_ARRAY_BYTES} bytes')
    return header


def _type(kind: str, size: str) -> np.dtype:
    if (kind, _number('SIZE', size)) not in _KINDS:
        raise ValueError(f'there is no TYPE {kind!r} of SIZE {size}: F has 4 or 8 bytes, I and U '
                         '1, 2, 4 or 8')
    return np.dtype('<' + _KINDS[kind, int(size)])


def _points(lines: dict[str, list[str]]) -> int:
    """Return the number of points: POINTS, or WIDTH x HEIGHT, which must agree with it."""
    declared = [_number(name, lines[name][0]) if lines.get(name) else None
                for name in ('POINTS', 'WIDTH', 'HEIGHT')]
    points, width, height = declared
    image = None if width is None or height is None else width * height
    if points is None and image is None:
        raise ValueError('its header has no line POINTS')
    if points is not None and image is not None and points != image:
        raise ValueError(f'POINTS is {points}, but WIDTH x HEIGHT is {width} x {height}')
    return points if points is not None else image or 0


def _number(name: str, word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 20):
        raise ValueError(f'{name} is {word[:40]!r}, but must be a whole number')
    return int(word)


def _coordinate(axis: str, header: _Header, columns: list[NDArray]) -> NDArray[np.float64]:
    if axis not in header.fields:
        raise ValueError(f'it has no field {axis!r} among {", ".join(header.fields)[:200]}')
    place = header.fields.index(axis)
    if header.counts[place] != 1:
        raise ValueError(f'COUNT of {axis!r} is {header.counts[place]}, but must be 1')
    return np.asarray(columns[place], dtype=np.float64).reshape(header.points)


def _read_ascii(content: bytes, header: _Header) -> list[NDArray]:
    """Return the columns; numpy reads the rows, in a twelfth of the memory that lists take."""
    width, first = sum(header.counts), np.cumsum((0, *header.counts[:-1]))
    if header.points == 0 or width == 0 or not content.strip():
        _require_rows(0, header, width)
        return [np.zeros((0, 1))] * len(header.fields)
    columns = sorted({*(int(first[header.fields.index(axis)]) for axis in 'xyz'
                        if axis in header.fields), width - 1})
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)       # of empty lines
        try:
            table = np.loadtxt(BytesIO(content), dtype=np.float64, comments=None, ndmin=2,
                               encoding='latin-1', usecols=columns, max_rows=header.points)
        except ValueError:
            _require_rows(_whole_rows(content, width), header, width)
            raise
    _require_rows(len(table), header, width)
    return [table[:, columns.index(place)] if place in columns else table[:, :0]
            for place in first]


def _whole_rows(content: bytes, width: int) -> int:
    """Return the number of rows before one that has too few numbers; empty lines do not count."""
    sizes = (len(line.split()) for line in BytesIO(content) if line.strip())
    return sum(1 for _ in takewhile(lambda size: size >= width, sizes))


def _require_rows(rows: int, header: _Header, width: int) -> None:
    if rows < header.points:
        raise ValueError(f'it declares {header.points} points, but only {rows} rows of {width} '
                         'numbers could be read: was it cut short?')


def _read_binary(content: bytes, header: _Header) -> list[NDArray]:
    _require(len(content), header)
    table = np.frombuffer(content, dtype=header.point, count=header.points)
    return [table[name] for name in header.point.names or ()]


def _read_compressed(content: bytes, header: _Header) -> list[NDArray]:
    """Return the columns, which are stored one after the other and compressed together."""
    compressed, size = struct.unpack_from('<II', content)
    if size != header.points * header.point.itemsize:
        raise ValueError(f'its data unpack to {size} bytes, but {header.points} points have '
                         f'{header.points * header.point.itemsize}')
    if len(content) < 8 + compressed:
        raise ValueError(f'it has {len(content) - 8} of {compressed} compressed bytes: was it cut '
                         'short?')
    data = decompressed(content[8:8 + compressed], size)
    columns, at = [], 0
    for kind, count in zip(header.types, header.counts):
        columns.append(np.frombuffer(data, kind, count=header.points * count, offset=at))
        at += columns[-1].nbytes
    return columns


def _require(size: int, header: _Header) -> None:
    if size < header.points * header.point.itemsize:
        raise ValueError(f'it declares {header.points} points, but only '
                         f'{size // max(header.point.itemsize, 1)} could be read: was it cut '
                         'short?')


_READERS = {'ascii': _read_ascii, 'binary': _read_binary, 'binary_compressed': _read_compressed}
