"""rosbag2's sqlite files (.db3), read by three queries of known tables.

The file is opened read-only and unchangeable, so that no journal beside it is read or written. No
statement that it holds is executed: its schema may be that of rosbag2 only, without views,
triggers, virtual tables and computed columns, and an authorizer refuses whatever else sqlite is
asked.
"""

from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
import re
import sqlite3
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.bags.topics import Message, Topic, shortened
from pointpng_core.io.limits import MAX_BAG_MESSAGES, MAX_BAG_TOPICS, MAX_MESSAGE_BYTES

TABLES = {
    'topics': {'id', 'name', 'type', 'serialization_format', 'offered_qos_profiles',
               'type_description_hash'},
    'messages': {'id', 'topic_id', 'timestamp', 'data'},
    'schema': {'schema_version', 'ros_distro'},
    'metadata': {'id', 'metadata_version', 'metadata'},
    'message_definitions': {'id', 'topic_type', 'encoding', 'encoded_message_definition',
                            'type_description_hash'}}
"""The tables of all versions of rosbag2, and their columns."""
_COLUMN = re.compile(r'"?([a-z_]+)"?\s+(?:INTEGER|TEXT|BLOB)(?:\s+(?:PRIMARY\s+KEY|NOT\s+NULL))*',
                     re.IGNORECASE)
_TABLE = re.compile(r'CREATE\s+TABLE\s+"?([a-z_]+)"?\s*\(([^()]*)\)\s*', re.IGNORECASE)
_INDEX = re.compile(r'CREATE\s+INDEX\s+"?[a-z_]+"?\s+ON\s+"?messages"?\s*'
                    r'\(\s*"?timestamp"?(?:\s+(?:ASC|DESC))?\s*\)\s*', re.IGNORECASE)
_ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
_MOST_ENTRIES, _LEAST_ROW_BYTES = 100, 8
_MAGIC = b'SQLite format 3\0'
_DAMAGED = (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError)


class SqliteStorage:
    """An open .db3 file; raises FileError for a file that is none, or no bag."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damage = _damage_beside(path)
        self._connection = _connection(path)
        try:
            self._check_schema()
            names = self._names()
            self._table = self._listed()
        except _DAMAGED as error:
            self.close()
            raise FileError(f'{path} is damaged from its beginning ({shortened(error)}): record '
                            'it again') from error
        except FileError:
            self.close()
            raise
        self.topics = [Topic(id=key, name=name, message_type=kind,
                             count=int(np.count_nonzero(self._table[:, 1] == key)))
                       for key, (name, kind) in names.items()]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def messages(self, topics: set[int]) -> Iterator[Message]:
        """Yield the messages of topics, by their ids, in the order of their times.

        Raises FileError at the first one that cannot be read.
        """
        chosen = self._table[np.isin(self._table[:, 1], list(topics))]
        for row, topic, time_ns in chosen[np.argsort(chosen[:, 2], kind='stable')].tolist():
            yield Message(topic=topic, time_ns=time_ns, data=self._data(row))

    def _data(self, row: int) -> bytes:
        try:
            found = self._rows('SELECT data FROM messages WHERE rowid = ? AND length(data) <= ?',
                               row, MAX_MESSAGE_BYTES)
            data = next(found, (None,))[0]
        except _DAMAGED as error:
            raise FileError(f'{self._path}: message {row}: {shortened(error)}') from error
        if not isinstance(data, bytes):
            raise FileError(f'{self._path}: message {row} is no bytes, or more than '
                            f'{MAX_MESSAGE_BYTES} of them')
        return data

    def _check_schema(self) -> None:
        """Raise FileError for a schema that holds anything but the tables of a bag."""
        entries = list(self._rows('SELECT type, name, sql FROM sqlite_master '
                                  f'LIMIT {_MOST_ENTRIES + 1}'))
        for kind, name, sql in entries:
            if not _is_known(kind, name, sql):
                raise FileError(f'{self._path}: the {str(kind)[:20]} {str(name)[:40]!r} is none '
                                'of a bag of ROS 2; record it again')
        missing = {'topics', 'messages'} - {name for _, name, _ in entries}
        if missing or len(entries) > _MOST_ENTRIES:
            raise FileError(f'{self._path} has no table {" and ".join(sorted(missing))}: '
                            'it is no bag of ROS 2')

    def _names(self) -> dict[int, tuple[str, str]]:
        """Return the name and the type of each topic by its id."""
        rows = list(self._rows('SELECT id, name, type FROM topics ORDER BY id '
                               f'LIMIT {MAX_BAG_TOPICS + 1}'))
        if len(rows) > MAX_BAG_TOPICS:
            raise FileError(f'{self._path} has more than {MAX_BAG_TOPICS} topics')
        for row in rows:
            if [type(value) for value in row] != [int, str, str]:
                raise FileError(f'{self._path}: a topic lacks its number, name or type')
        return {key: (name, kind) for key, name, kind in rows}

    def _listed(self) -> NDArray[np.int64]:
        """Return (row, topic, time in ns) of all messages, (N, 3), up to the first damage."""
        most = min(MAX_BAG_MESSAGES, self._path.stat().st_size // _LEAST_ROW_BYTES)
        rows = self._rows('SELECT rowid, topic_id, timestamp FROM messages NOT INDEXED '
                          f'ORDER BY rowid LIMIT {most}')
        numbers = array('q')
        try:
            for row in rows:
                numbers.extend(row)
        except (*_DAMAGED, TypeError) as error:
            self.damage = shortened(error)
        table = np.array(numbers[:len(numbers) // 3 * 3]).reshape(-1, 3)
        if (np.diff(table[:, 0]) <= 0).any():
            self.damage = 'its messages are out of order'
            table = table[:1 + int(np.argmax(np.diff(table[:, 0]) <= 0))]
        return table

    def _rows(self, query: str, *values: int) -> Iterator[tuple[Any, ...]]:
        return iter(self._connection.execute(query, values))


def _connection(path: Path) -> sqlite3.Connection:
    """Return a connection that can do nothing but read this file; raises FileError."""
    try:
        connection = sqlite3.connect(f'{path.absolute().as_uri()}?mode=ro&immutable=1', uri=True,
                                     check_same_thread=False)
    except sqlite3.Error as error:
        raise FileError(f'cannot read {path}: {shortened(error)}') from error
    with closing(connection.cursor()) as cursor:
        cursor.execute('PRAGMA trusted_schema=OFF')
        cursor.execute('PRAGMA writable_schema=ON')     # else a short file is refused wholly
    connection.set_authorizer(_authorised)
    return connection


def _authorised(action: int, first: str | None, second: str | None, *_: object) -> int:
    """Return SQLITE_OK for reading, and for the length of a value; SQLITE_DENY for all else."""
    is_length = action == sqlite3.SQLITE_FUNCTION and second == 'length'
    return sqlite3.SQLITE_OK if action in _ALLOWED or is_length else sqlite3.SQLITE_DENY


def _is_known(kind: Any, name: Any, sql: Any) -> bool:
    """Return whether an entry of the schema is a table or an index of rosbag2, as it writes it."""
    if kind == 'index':
        return sql is None or (isinstance(sql, str) and bool(_INDEX.fullmatch(sql)))
    if kind != 'table' or name not in TABLES or not isinstance(sql, str):
        return False
    table = _TABLE.fullmatch(sql)
    columns = [_COLUMN.fullmatch(text.strip()) for text in table[2].split(',')] if table else []
    return bool(table) and table is not None and table[1] == name and all(
        column and column[1] in TABLES[name] for column in columns)


def _damage_beside(path: Path) -> str:
    """Return what the size of the file and the files beside it say of it; raises FileError."""
    try:
        with path.open('rb') as stream:
            head = stream.read(100)
        journal = path.with_name(f'{path.name}-wal')
        waiting = journal.exists() and journal.stat().st_size > 0
        size = path.stat().st_size
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    if len(head) < 100 or not head.startswith(_MAGIC):
        raise FileError(f'{path} is damaged from its beginning (it is no sqlite file): record it '
                        'again')
    page, pages = int.from_bytes(head[16:18], 'big'), int.from_bytes(head[28:32], 'big')
    expected = pages * (page if page != 1 else 1 << 16)
    if size < expected:
        return f'it has {size} of {expected} bytes'
    return f'messages in its journal {journal.name} are not read' if waiting else ''
