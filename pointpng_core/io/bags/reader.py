"""Finding bags, and reading their messages: MCAP, sqlite3, ROS 1; without ROS."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
import functools
import heapq
import importlib
import os
from pathlib import Path
from typing import Any

from pointpng_core.errors import ConfigError, FileError, MissingDependencyError
from pointpng_core.io.bags.recording import (
    STORAGE_SUFFIXES,
    is_recording,
    is_storage,
    open_storage,
    read_metadata,
    storage_files,
)
from pointpng_core.io.bags.topics import Storage, shortened
from pointpng_core.io.bags.unpacking import ZSTD_MAGIC, unpack_zstd

__all__ = ['CAMERA_INFO_TYPE', 'CLOUD_TYPE', 'IMAGE_TYPE', 'STORAGE_SUFFIXES', 'CloudBag',
           'find_bags']
CLOUD_TYPE = 'sensor_msgs/msg/PointCloud2'
IMAGE_TYPE = 'sensor_msgs/msg/Image'
CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
_Raw = tuple[int, str, bytes]


class CloudBag:
    """An open bag; a context manager.

    If a file is truncated, its intact beginning is read and `damage` says so. Raises FileError
    when nothing can be read, MissingDependencyError without rosbags.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not os.path.exists(self.path):    # False, not an error, for what can be no path
            raise FileError(f'there is no bag {self.path}')
        metadata = read_metadata(self.path)
        self._stack = ExitStack()
        try:
            files, missing = storage_files(self.path, metadata)
            self._deserialize = _deserializer(ros1=any(file.suffix == '.bag' for file in files))
            self._storages = [open_storage(file, self._stack) for file in files]
        except (FileError, MissingDependencyError):
            self._stack.close()
            raise
        self._types, counts = _topics(self._storages)
        self._counts = {topic: metadata.counts.get(topic, count)
                        for topic, count in counts.items()}
        reasons = [reason for reason in (missing, *(each.damage for each in self._storages))
                   if reason]
        self._file_damage = (f'{self.path} is truncated or damaged ({"; ".join(reasons[:3])}): '
                             'only its intact beginning is read') if reasons else ''
        self.damage = self._file_damage

    def __enter__(self) -> 'CloudBag':
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def topics(self) -> dict[str, int]:
        """Return the PointCloud2 topics and how many clouds each has."""
        return self.topics_of(CLOUD_TYPE)

    def topics_of(self, message_type: str) -> dict[str, int]:
        """Return the topics of a type (package/msg/Name), and how many messages each has."""
        return {name: self._counts[name] for name, kind in sorted(self._types.items())
                if kind == message_type}

    def choose_topic(self, asked: str | None = None, *, option: str = '--topic') -> str:
        """Return the requested topic, or the only one; ConfigError lists the topics of the bag.

        `option` is the command-line option by which the user chooses one.
        """
        topics = self.topics
        listing = ', '.join(f'{name} ({count} clouds)' for name, count in topics.items())
        if not topics:
            others = ', '.join(sorted(self._types)) or 'none'
            raise ConfigError(f'{self.path} has no PointCloud2 topic; its topics: {others}'
                              + (f' ({self.damage})' if self.damage else ''))
        if asked is not None and asked not in topics:
            raise ConfigError(f'{self.path} has no PointCloud2 topic {asked!r}; it has: {listing}')
        if asked is None and len(topics) > 1:
            raise ConfigError(f'{self.path} has several PointCloud2 topics, choose one with '
                              f'{option}: {listing}')
        return asked or next(iter(topics))

    def clouds(self, topic: str) -> Iterator[tuple[int, Any]]:
        """Yield (time of recording in ns, PointCloud2 message of rosbags), oldest first.

        Ends early at a damaged place; `damage` then says so and how much is lost.
        """
        for time_ns, _, message in self.messages([topic], noun='cloud'):
            yield time_ns, message

    def type_of(self, topic: str) -> str:
        """Return the type (package/msg/Name) of any topic; ConfigError lists those of the bag."""
        if topic not in self._types:
            raise ConfigError(f'{self.path} has no topic {topic!r}; its topics: '
                              f'{", ".join(sorted(self._types)) or "none"}')
        return self._types[topic]

    def messages(self, topics: Sequence[str], *, noun: str = 'message',
                 raw_topics: Sequence[str] = ()) -> Iterator[tuple[int, str, Any]]:
        """Yield (time of recording in ns, topic, message of rosbags) of topics, oldest first.

        Ends early like `clouds`; `noun` is what `damage` calls a message. Those of
        `raw_topics` are yielded as recorded bytes, once it is known that they can be read.
        """
        count, damage = 0, self._file_damage
        streams = [_raw_messages(storage, set(topics)) for storage in self._storages]
        try:
            for time_ns, topic, raw in heapq.merge(*streams, key=lambda each: each[0]):
                message = self._deserialize(raw, self._types[topic])
                yield time_ns, topic, raw if topic in raw_topics else message
                count += 1
        except FileError as error:
            damage = ((f'{damage}; it' if damage else f'{self.path}')
                      + f' ends after {noun} {count} of {", ".join(topics)} ({error})')
        expected = sum(self._counts.get(topic, 0) for topic in topics)
        if count != expected:
            lost = (f'{expected - count} of {expected} {noun}s are lost' if count < expected else
                    f'it holds {count} {noun}s, but promises {expected}')
            damage = f'{damage}; {lost}' if damage else f'{self.path}: {lost}'
        self.damage = damage


def _topics(storages: Sequence[Storage]) -> tuple[dict[str, str], dict[str, int]]:
    """Return the type and the number of messages of each topic in all files.

    Of a topic that has two types, the first one counts.
    """
    types: dict[str, str] = {}
    counts: dict[str, int] = defaultdict(int)
    for topic in (topic for storage in storages for topic in storage.topics):
        if types.setdefault(topic.name, topic.message_type) == topic.message_type:
            counts[topic.name] += topic.count
    return types, counts


def _raw_messages(storage: Storage, topics: set[str]) -> Iterator[_Raw]:
    """Yield (time in ns, topic, message as bytes) of one file; FileError at damage.

    Messages that were compressed one by one are unpacked, whether or not a metadata.yaml says so:
    no message begins like a zstd frame.
    """
    names = {topic.id: topic.name for topic in storage.topics if topic.name in topics}
    for message in storage.messages(set(names)):
        packed = message.data.startswith(ZSTD_MAGIC)
        yield (message.time_ns, names[message.topic],
               unpack_zstd(message.data) if packed else message.data)


class _Deserializer:
    """Bytes to messages of rosbags, by the definitions of ROS and never by those of the bag."""

    def __init__(self, *, ros1: bool) -> None:
        from rosbags.typesys import Stores, get_typestore
        store = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_JAZZY)
        self._deserialize = store.deserialize_ros1 if ros1 else store.deserialize_cdr

    def __call__(self, raw: bytes, message_type: str) -> Any:
        """Return the message; raises FileError."""
        try:
            return self._deserialize(raw, message_type)
        except Exception as error:       # rosbags lets a dozen types through for damaged data
            raise FileError(f'no {message_type[:80]}: {shortened(error)}') from error


@functools.lru_cache
def _deserializer(*, ros1: bool) -> _Deserializer:
    try:
        importlib.import_module('rosbags.highlevel')
    except ImportError as error:
        raise MissingDependencyError(f'reading bags needs the Python package rosbags ({error}): '
                                     'pip install rosbags') from error
    return _Deserializer(ros1=ros1)


def find_bags(path: Path, *, patience: int | None = None) -> list[Path]:
    """Return the bags at or below a path, sorted; other files are ignored.

    A folder without a metadata.yaml, as of a recorder that was killed, is none: its files count as
    bags of their own. Links to folders are not followed: they may lead round in circles. The upper
    folders are searched first. Raises FileError after `patience` folders without any bag, and,
    when all others are searched, the OSError of the first folder that cannot be read.
    """
    bags, waiting, searched = [], deque([path]), 0
    unreadable: OSError | None = None
    while waiting:
        entry = waiting.popleft()
        if not os.path.isdir(entry):     # False, not an error, for links into what is forbidden
            bags += [entry] if is_storage(entry) and os.path.isfile(entry) else []
        elif is_recording(entry):
            bags.append(entry)
        elif entry == path or not entry.is_symlink():
            searched += 1
            if not bags and searched > (patience or searched):
                raise FileError(f'{path} holds no bag in the first {patience} folders of it: it '
                                'is no folder of recordings; name a bag, or a folder nearer to it')
            try:
                waiting += sorted(entry.iterdir(), key=os.path.isdir)     # files first
            except OSError as error:
                unreadable = unreadable or error
    if unreadable is not None:
        raise unreadable
    return sorted(bags)
