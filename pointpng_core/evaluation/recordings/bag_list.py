"""Which recordings are meant by files, folders and patterns, and how their results are named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import glob
import os
from pathlib import Path

from pointpng_core.errors import FileError
from pointpng_core.io.bags.reader import STORAGE_SUFFIXES, find_bags

PATIENCE = 10_000
"""Folders that are searched for the first bag: a second or two, where someone names `/usr`."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A bag.

    `path` is absolute. `name` is its path below the deepest folder that holds all that was given:
    it names the results, and no two recordings share one.
    """

    path: Path
    name: str

    @property
    def size_bytes(self) -> int:
        """Return the size of its storage files together; raises FileError."""
        try:
            files = [self.path] if self.path.is_file() else [
                file for file in self.path.iterdir() if file.suffix in STORAGE_SUFFIXES]
            return sum(file.stat().st_size for file in files)
        except OSError as error:
            raise FileError(f'cannot read {self.path}: {error.strerror or error}') from error


def find_recordings(given: Sequence[str]) -> list[Recording]:
    """Return the recordings in files, folders (at any depth) and patterns, each once, sorted.

    Raises FileError for what does not exist, and for what holds no bag.
    """
    found = [pair for text in given for pair in _bags_of(text)]
    base = Path(os.path.commonpath([folder for folder, _ in found]))
    paths = sorted({bag for _, bag in found})
    return [Recording(path=path, name=path.relative_to(base).as_posix()) for path in paths]


def _bags_of(text: str) -> Iterator[tuple[Path, Path]]:
    """Yield (folder, bag): the folder is that which was given, or that of a bag that was given."""
    matches = _matches(text)
    if any(path == path.parent for path in matches):
        raise FileError(f'{text} is the whole file system, and no recording: name the folder of '
                        'the recordings')
    try:
        pairs = [(path.parent if bag == path else path, bag)
                 for path in matches for bag in find_bags(path, patience=PATIENCE)]
    except OSError as error:
        raise FileError(f'cannot search {text}: {error}') from error
    if not pairs:
        raise FileError(f'{text} holds no bag: neither a file {", ".join(STORAGE_SUFFIXES)} nor a '
                        'folder with one')
    yield from pairs


def _matches(text: str) -> list[Path]:
    """Return the absolute paths that a text names; an existing path is no pattern."""
    if os.path.lexists(text):
        return [_absolute(text)]
    if not glob.has_magic(text):
        raise FileError(f'there is no bag {text}')
    names = sorted(glob.glob(text, recursive=True))
    if not names:
        raise FileError(f'no file or folder matches {text!r}')
    return [_absolute(name) for name in names]


def _absolute(text: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(text)))
