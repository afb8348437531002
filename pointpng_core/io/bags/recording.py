"""The files of a bag, whole or in a folder, and what its metadata.yaml says of them."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
import sys
import tempfile
from typing import Any

from pointpng_core.config import read_yaml_mapping
from pointpng_core.errors import FileError
from pointpng_core.io.bags.mcap_storage import McapStorage
from pointpng_core.io.bags.ros1_storage import Ros1Storage
from pointpng_core.io.bags.sqlite_storage import SqliteStorage
from pointpng_core.io.bags.topics import Storage
from pointpng_core.io.bags.unpacking import unpack_file
from pointpng_core.io.files import check_regular
from pointpng_core.io.limits import MAX_METADATA_BYTES

STORAGE_SUFFIXES = ('.mcap', '.db3', '.bag')
PACKED = '.zstd'
_STORAGES: dict[str, Callable[[Path], Storage]] = {
    '.mcap': McapStorage, '.db3': SqliteStorage, '.bag': Ros1Storage}
_METADATA, _INFORMATION = 'metadata.yaml', 'rosbag2_bagfile_information'


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a metadata.yaml promises; nothing where there is none."""

    files: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    """Messages by topic."""


def is_storage(path: Path) -> bool:
    """Return whether the name of a file is that of a bag file, packed or not."""
    return Path(path.name.removesuffix(PACKED)).suffix in STORAGE_SUFFIXES


def is_recording(folder: Path) -> bool:
    """Return whether a folder holds the metadata.yaml of a bag."""
    try:
        metadata = folder / _METADATA
        return (metadata.is_file() and metadata.stat().st_size <= MAX_METADATA_BYTES
                and _INFORMATION.encode() in metadata.read_bytes())
    except OSError:
        return False


def read_metadata(path: Path) -> Metadata:
    """Return what the metadata.yaml of a folder says; nothing where there is none to read."""
    if not path.is_dir() or not is_recording(path):
        return Metadata()
    try:
        content = read_yaml_mapping(path / _METADATA)[_INFORMATION]
        return Metadata(files=tuple(Path(name).name for name in _texts(content)),
                        counts=dict(map(_count, content['topics_with_message_count'])))
    except (FileError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return Metadata()


def storage_files(path: Path, metadata: Metadata) -> tuple[list[Path], str]:
    """Return the files of a bag, and what is missing of those that the metadata names.

    Only the names count, in the folder itself. Raises FileError for a folder without any.
    """
    if not path.is_dir():
        return [path], ''
    there = sorted(file for file in path.iterdir() if is_storage(file))
    named = [path / name for name in metadata.files if is_storage(Path(name))]
    files = [file for file in named if file in there] or there
    if not files:
        raise FileError(f'{path} holds no bag file ({", ".join(STORAGE_SUFFIXES)})')
    missing = [file.name for file in named if file not in there]
    return files, f'{", ".join(missing[:3])} is missing' if missing else ''


def open_storage(path: Path, stack: ExitStack) -> Storage:
    """Open a file, which `stack` closes, unpacked to a temporary file first where it is packed.

    Raises FileError.
    """
    _check_file(path)
    if path.suffix == PACKED:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        unpacked = Path(folder) / path.stem
        unpack_file(path, unpacked)
        path = unpacked
    kind = _STORAGES.get(path.suffix)
    if kind is None:
        raise FileError(f'{path} cannot be read as a bag and cannot be repaired here; give a bag: '
                        '.mcap, .db3, .bag or a folder')
    storage = kind(path)
    stack.callback(storage.close)
    return storage


def _check_file(path: Path) -> None:
    try:
        check_regular(path, sys.maxsize)     # a pipe or a device has no end
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error


def _texts(content: dict[str, Any]) -> list[str]:
    return [name for name in content['relative_file_paths'] if isinstance(name, str) and name]


def _count(entry: dict[str, Any]) -> tuple[str, int]:
    return str(entry['topic_metadata']['name']), int(entry['message_count'])
