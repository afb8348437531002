"""The records of MCAP files (https://mcap.dev/spec), with every length checked before it is used.

Records of the data section are found by walking over their heads; what the summary behind them
says is compared with it, and never trusted alone.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
import struct
from typing import BinaryIO
import zlib

from pointpng_core.errors import FileError
from pointpng_core.io.bags.unpacking import unpack_lz4, unpack_zstd
from pointpng_core.io.limits import MAX_MESSAGE_BYTES, MIB

MAGIC = b'\x89MCAP0\r\n'
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
STATISTICS, DATA_END = 0x0B, 0x0F
_HEAD = struct.Struct('<BQ')
_MESSAGE = struct.Struct('<HIQQ')
_CHUNK = struct.Struct('<QQQI')
_FOOTER = struct.Struct('<QQI')
_STATISTICS = struct.Struct('<QHIIIIQQ')
_UNPACKERS = {'zstd': unpack_zstd, 'lz4': unpack_lz4}


class Fields:
    """Reads the fields of one record after the other; FileError where they do not fit in it."""

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def unpack(self, form: struct.Struct) -> tuple[int, ...]:
        """Return numbers."""
        return form.unpack(self.take(form.size))

    def number(self, size: int) -> int:
        """Return an unsigned number of some bytes."""
        return int.from_bytes(self.take(size), 'little')

    def text(self) -> str:
        """Return a text with its length before it."""
        try:
            return self.take(self.number(4)).decode()
        except UnicodeDecodeError as error:
            raise FileError('a text in the MCAP file is no UTF-8') from error

    def take(self, size: int) -> bytes:
        """Return so many bytes."""
        taken = self._content[self._place:self._place + size]
        if len(taken) < size:
            raise FileError(f'a record of the MCAP file lacks {size - len(taken)} bytes')
        self._place += size
        return taken

    def rest(self) -> bytes:
        """Return what is left."""
        return self._content[self._place:]


@dataclass
class Layout:
    """Where the records of a file are. Offsets are those of their contents, behind the heads."""

    blocks: array = field(default_factory=lambda: array('Q'))
    """Of each chunk and of each message outside of chunks: kind, first time, offset, length."""
    definitions: list[tuple[int, int, int]] = field(default_factory=list)
    """Of schemas and channels outside of chunks: kind, offset, length."""
    statistics: tuple[int, int] | None = None
    damage: str = ''


def walk(stream: BinaryIO, size: int) -> Layout:
    """Return the layout of a file up to its first damage; FileError for what is no MCAP file."""
    if stream.read(len(MAGIC)) != MAGIC:
        raise FileError(f'{stream.name} does not begin as an MCAP file')
    layout, place, kind, in_data = Layout(), len(MAGIC), 0, True
    while kind != FOOTER:
        head = stream.read(_HEAD.size)
        kind, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0)
        place += _HEAD.size
        if not kind or place + length > size:
            layout.damage = (f'it ends inside of a record at byte {place - _HEAD.size}' if head
                             else 'its end is missing')
            return layout
        in_data = in_data and kind != DATA_END
        if in_data and kind in (CHUNK, MESSAGE):
            _note_block(layout, stream, kind, place, length)
        elif kind in (SCHEMA, CHANNEL):
            layout.definitions.append((kind, place, length))
        elif kind == STATISTICS:
            layout.statistics = place, length
        place = stream.seek(place + length)
    if stream.read(len(MAGIC) + 1) != MAGIC:
        layout.damage = 'its end is missing'
    elif not _summary_is_whole(stream, place):
        layout.damage, layout.statistics = 'the checksum of its index is wrong', None
    return layout


def _summary_is_whole(stream: BinaryIO, end: int) -> bool:
    """Return whether the summary before the end of the footer has its checksum, if it has one."""
    stream.seek(end - _FOOTER.size)
    start, _, checksum = _FOOTER.unpack(stream.read(_FOOTER.size))
    if not start or not checksum:
        return True
    behind = end - 4                     # all but the checksum itself
    size = behind - start
    return 0 <= size <= MAX_MESSAGE_BYTES and zlib.crc32(read_at(stream, start, size)) == checksum


def _note_block(layout: Layout, stream: BinaryIO, kind: int, place: int, length: int) -> None:
    form = _CHUNK if kind == CHUNK else _MESSAGE
    if length < form.size:
        raise FileError(f'{stream.name}: the record at byte {place} is too short')
    numbers = form.unpack(stream.read(form.size))
    layout.blocks.extend((kind, numbers[0] if kind == CHUNK else numbers[2], place, length))


def records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (kind, content) of the records of a chunk; FileError for what is cut short."""
    fields, left = Fields(content), len(content)
    while left:
        kind, length = fields.unpack(_HEAD)
        left -= _HEAD.size + length
        yield kind, fields.take(length)


def unpacked(content: bytes) -> bytes:
    """Return the records of a chunk; FileError for more than it declares or than is allowed."""
    fields = Fields(content)
    _, _, size, checksum = fields.unpack(_CHUNK)
    compression = fields.text()
    packed = fields.take(fields.number(8))
    if size > MAX_MESSAGE_BYTES:
        raise FileError(f'a chunk declares {size / MIB:.0f} MB; no more than '
                        f'{MAX_MESSAGE_BYTES // MIB} are unpacked')
    if compression and compression not in _UNPACKERS:
        raise FileError(f'chunks are compressed by {compression[:20]!r}; zstd and lz4 are read')
    raw = _UNPACKERS[compression](packed, size) if compression else packed
    if len(raw) != size or (checksum and zlib.crc32(raw) != checksum):
        raise FileError('the checksum of a chunk is wrong')
    return raw


def message_of(content: bytes) -> tuple[int, int, bytes]:
    """Return channel, time in ns and data of a message."""
    fields = Fields(content)
    channel, _, time_ns, _ = fields.unpack(_MESSAGE)
    return channel, time_ns, fields.rest()


def schema_of(content: bytes) -> tuple[int, str]:
    """Return the id and the name of a schema; what it defines is not read."""
    fields = Fields(content)
    return fields.number(2), fields.text()


def channel_of(content: bytes) -> tuple[int, int, str, str]:
    """Return id, schema, topic and encoding of a channel."""
    fields = Fields(content)
    return fields.number(2), fields.number(2), fields.text(), fields.text()


def statistics_of(content: bytes) -> tuple[int, dict[int, int]]:
    """Return the number of chunks, and of messages by channel, that the summary promises."""
    fields = Fields(content)
    chunks = fields.unpack(_STATISTICS)[5]
    counts = fields.take(fields.number(4))
    return chunks, dict(struct.iter_unpack('<HQ', counts[:len(counts) // 10 * 10]))


def read_at(stream: BinaryIO, place: int, length: int) -> bytes:
    """Return bytes of a file, in which they lie as the walk over it has shown."""
    stream.seek(place)
    return stream.read(length)


def opened(path: Path) -> BinaryIO:
    """Open a file; raises FileError."""
    try:
        return path.open('rb')
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
