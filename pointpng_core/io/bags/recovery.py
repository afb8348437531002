"""Recovery of the intact beginning of a truncated bag file, so that rosbags can read it."""

from contextlib import closing, suppress
from pathlib import Path
import shutil
import sqlite3
import struct
from typing import BinaryIO

from pointpng_core.errors import FileError

_MCAP_MAGIC = b'\x89MCAP0\r\n'
_DATA_END = 0x0F                          # record types below are those of the data section
_FOOTER = b'\x02' + struct.pack('<QQQI', 20, 0, 0, 0) + _MCAP_MAGIC     # "there is no summary"
_RECORD_HEAD = struct.Struct('<BQ')


def repair(path: Path, folder: Path) -> Path:
    """Write the intact part of an .mcap or .db3 file into `folder` and return the new file.

    Raises FileError when nothing can be recovered or the file is of another kind (for ROS 1 bags
    there is `rosbag reindex`).
    """
    target = folder / path.name
    if path.suffix == '.mcap':
        _repair_mcap(path, target)
    elif path.suffix == '.db3':
        _repair_sqlite(path, target)
    else:
        advice = (f'run `rosbag reindex {path.name}`' if path.suffix == '.bag'
                  else 'give a bag: .mcap, .db3, .bag or a folder')
        raise FileError(f'{path} cannot be read as a bag and cannot be repaired here; {advice}')
    return target


def _repair_mcap(path: Path, target: Path) -> None:
    with path.open('rb') as source, target.open('wb') as sink:
        end = _intact_end(source, path.stat().st_size)
        source.seek(0)
        shutil.copyfileobj(source, sink)
        sink.truncate(end)
        sink.seek(end)
        sink.write(_FOOTER)


def _intact_end(source: BinaryIO, size: int) -> int:
    """Return the offset behind the last complete record of the data section."""
    if source.read(len(_MCAP_MAGIC)) != _MCAP_MAGIC:
        raise FileError(f'{source.name} does not begin as an MCAP file')
    end = source.tell()
    while len(head := source.read(_RECORD_HEAD.size)) == _RECORD_HEAD.size:
        kind, length = _RECORD_HEAD.unpack(head)
        behind = end + _RECORD_HEAD.size + length
        if not 0 < kind < _DATA_END or behind > size:
            break
        end = source.seek(behind)
    return end


def _repair_sqlite(path: Path, target: Path) -> None:
    try:
        address = f'{path.absolute().as_uri()}?immutable=1'
        with (closing(sqlite3.connect(address, uri=True)) as source,
              closing(sqlite3.connect(target)) as sink):
            source.execute('PRAGMA writable_schema=ON')     # else a short file is refused wholly
            tables = source.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' "
                                    "AND name NOT LIKE 'sqlite_%'").fetchall()
            for name, sql in tables:
                sink.execute(sql)
                _copy_rows(source, sink, name)
            sink.commit()
    except sqlite3.DatabaseError as error:
        raise FileError(f'{path} is damaged from its beginning ({error}): record it again'
                        ) from error


def _copy_rows(source: sqlite3.Connection, sink: sqlite3.Connection, table: str) -> None:
    """Copy rows in the order they were written, up to the first that is damaged."""
    rows = source.execute(f'SELECT * FROM "{table}" ORDER BY rowid')
    marks = ', '.join('?' * len(rows.description))
    with suppress(sqlite3.DatabaseError):
        for row in rows:
            sink.execute(f'INSERT INTO "{table}" VALUES ({marks})', row)
