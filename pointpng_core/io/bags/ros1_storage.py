"""ROS 1 bags (.bag), read by rosbags, which is kept from unpacking without a limit."""

from collections.abc import Iterator
import importlib
import io
from pathlib import Path
from typing import Any

from pointpng_core.errors import FileError, MissingDependencyError
from pointpng_core.io.bags.topics import Message, Topic, shortened
from pointpng_core.io.bags.unpacking import unpack_bz2, unpack_lz4

_UNPACKERS = {'lz4': unpack_lz4, 'bz2': unpack_bz2}


class Ros1Storage:
    """An open .bag file; raises FileError for a file that is none, or lacks its index."""

    damage = ''

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = _reader(path)
        try:
            self._reader.open()
        except Exception as error:       # rosbags lets a dozen types through for damaged files
            raise FileError(f'{path} cannot be read as a bag ({shortened(error)}): run '
                            f'`rosbag reindex {path.name}`') from error
        self.topics = [Topic(id=connection.id, name=connection.topic,
                             message_type=connection.msgtype, count=connection.msgcount)
                       for connection in self._reader.connections]

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def messages(self, topics: set[int]) -> Iterator[Message]:
        """Yield the messages of topics, by their ids, in the order of their times.

        Raises FileError at the first one that cannot be read.
        """
        chosen = [connection for connection in self._reader.connections
                  if connection.id in topics]
        try:
            for connection, time_ns, data in self._reader.messages(chosen) if chosen else ():
                if connection.id not in topics:
                    raise FileError(f'{self._path}: its index names a message of another topic')
                yield Message(topic=connection.id, time_ns=time_ns, data=bytes(data))
        except FileError:
            raise
        except Exception as error:       # as above
            raise FileError(f'{self._path}: {shortened(error)}') from error


class _CappedFile(io.BufferedReader):
    """A file whose reads allocate no more than what is left of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes."""
        left = max(self._size - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))


class _CappedPath:
    """What rosbags needs of a path."""

    def __init__(self, path: Path) -> None:
        self._path, self.suffix = path, path.suffix

    def __str__(self) -> str:
        return str(self._path)

    def exists(self) -> bool:
        """Return whether there is such a file."""
        return self._path.exists()

    def open(self, _: str = 'rb') -> _CappedFile:
        """Open the file for reading bytes."""
        return _CappedFile(self._path)


def _reader(path: Path) -> Any:
    reader = importlib.import_module('rosbags.rosbag1.reader')
    table = getattr(reader, 'decompressors', None)
    if not isinstance(table, dict) or not _UNPACKERS.keys() <= table.keys():
        raise MissingDependencyError('this version of rosbags unpacks in another way than known: '
                                     'pip install rosbags==0.11.9')
    table.update(_UNPACKERS)
    return reader.Reader(_CappedPath(path))
