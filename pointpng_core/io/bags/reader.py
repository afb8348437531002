"""Finding bags, and reading their messages: MCAP, sqlite3, ROS 1; without ROS."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
import importlib
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING, Any

from pointpng_core.config import read_yaml_mapping
from pointpng_core.errors import ConfigError, FileError, MissingDependencyError
from pointpng_core.io.bags.recovery import repair

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader

CLOUD_TYPE = 'sensor_msgs/msg/PointCloud2'
IMAGE_TYPE = 'sensor_msgs/msg/Image'
CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
STORAGE_SUFFIXES = ('.mcap', '.db3', '.bag')
_METADATA, _INFORMATION = 'metadata.yaml', 'rosbag2_bagfile_information'


class CloudBag:
    """An open bag; a context manager.

    If a file is truncated, its intact beginning is read and `damage` says so. Raises FileError
    when nothing can be read, MissingDependencyError without rosbags.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise FileError(f'there is no bag {self.path}')
        self._expected = _expected_counts(self.path)
        _require_rosbags()
        self._stack = ExitStack()
        self._file_damage = ''
        self._reader = self._open()
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
        return {name: info.msgcount for name, info in sorted(self._reader.topics.items())
                if info.msgtype == message_type}

    def choose_topic(self, asked: str | None = None, *, option: str = '--topic') -> str:
        """Return the requested topic, or the only one; ConfigError lists the topics of the bag.

        `option` is the command-line option by which the user chooses one.
        """
        topics = self.topics
        listing = ', '.join(f'{name} ({count} clouds)' for name, count in topics.items())
        if not topics:
            others = ', '.join(sorted(self._reader.topics)) or 'none'
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

    def messages(self, topics: Sequence[str], *, noun: str = 'message'
                 ) -> Iterator[tuple[int, str, Any]]:
        """Yield (time of recording in ns, topic, message of rosbags) of topics, oldest first.

        Ends early like `clouds`; `noun` is what `damage` calls a message.
        """
        count, damage = 0, self._file_damage
        connections = [c for c in self._reader.connections if c.topic in topics]
        try:
            for connection, time_ns, raw in self._reader.messages(connections):
                message = self._reader.deserialize(raw, connection.msgtype)
                yield time_ns, connection.topic, message
                count += 1
        except Exception as error:       # rosbags lets a dozen types through for damaged files
            damage = (f'{self.path} is damaged after {noun} {count} of {", ".join(topics)} '
                      f'({error})')
        expected = sum(self._expected.get(topic, 0) for topic in topics)
        if count < expected:
            lost = f'{expected - count} of {expected} {noun}s are lost'
            damage = f'{damage}; {lost}' if damage else f'{self.path}: {lost}'
        self.damage = damage

    def _open(self) -> 'AnyReader':
        try:
            return self._enter([self.path])
        except Exception as error:       # as above: any type, for a damaged file
            self._file_damage = (f'{self.path} is truncated or damaged ({error}): only its intact '
                                 'beginning is read')
        try:
            return self._enter([self._intact(path) for path in _storage_files(self.path)])
        except FileError:
            raise
        except Exception as error:
            raise FileError(f'{self.path} cannot be read as a bag: {error}') from error

    def _enter(self, paths: list[Path]) -> 'AnyReader':
        return self._stack.enter_context(_reader(paths))

    def _intact(self, path: Path) -> Path:
        try:
            with _reader([path]):
                return path
        except Exception:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory())
            return repair(path, Path(folder))


def _require_rosbags() -> None:
    try:
        importlib.import_module('rosbags.highlevel')
    except ImportError as error:
        raise MissingDependencyError(f'reading bags needs the Python package rosbags ({error}): '
                                     'pip install rosbags') from error


def _reader(paths: list[Path]) -> 'AnyReader':
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore

    return AnyReader(paths, default_typestore=get_typestore(Stores.ROS2_JAZZY))


def _storage_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in STORAGE_SUFFIXES)
    if not files:
        raise FileError(f'{path} holds no bag file ({", ".join(STORAGE_SUFFIXES)})')
    return files


def _expected_counts(path: Path) -> dict[str, int]:
    """Return the number of messages of each topic by metadata.yaml; empty without one."""
    try:
        content = read_yaml_mapping(path / _METADATA)[_INFORMATION]
        return {entry['topic_metadata']['name']: int(entry['message_count'])
                for entry in content['topics_with_message_count']}
    except (FileError, KeyError, TypeError, ValueError):
        return {}


def find_bags(path: Path) -> list[Path]:
    """Return the bags at or below a path, sorted; other files are ignored.

    A folder whose recorder was killed has no metadata.yaml: its files count as bags of their own.
    """
    if not path.is_dir():
        return [path] if path.is_file() and path.suffix in STORAGE_SUFFIXES else []
    if _is_recording(path):
        return [path]
    return [bag for entry in sorted(path.iterdir()) for bag in find_bags(entry)]


def _is_recording(folder: Path) -> bool:
    metadata = folder / _METADATA
    return metadata.is_file() and _INFORMATION.encode() in metadata.read_bytes()
