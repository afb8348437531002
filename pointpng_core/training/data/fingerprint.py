"""What files a source consists of: quickly, to find it in a cache, and surely, for the record."""

import hashlib
from pathlib import Path

from pointpng_core.io.files import file_sha256

MOST_HASHED = 16
"""A folder of more files is recorded by the hash of its listing (names and sizes)."""


def state(path: Path) -> str:
    """Return the names, sizes and times of the files of a path, as text; raises OSError.

    It changes when a file changes. A path that is no file (`procedural`) has none.
    """
    return '\n'.join(f'{name} {stat.st_size} {stat.st_mtime_ns}'
                     for name, file in _files(path) for stat in [file.stat()])


def sha256(path: Path) -> str | dict[str, str]:
    """Return the SHA-256 of a file, or of each file of a folder, or of a long folder's listing.

    Raises OSError.
    """
    files = _files(path)
    if path.is_file():
        return file_sha256(path)
    if len(files) <= MOST_HASHED:
        return {name: file_sha256(file) for name, file in files}
    listing = '\n'.join(f'{name} {file.stat().st_size}' for name, file in files)
    return {'listing': hashlib.sha256(listing.encode()).hexdigest()}


def _files(path: Path) -> list[tuple[str, Path]]:
    if path.is_file():
        return [(str(path.resolve()), path)]
    return sorted((str(file.relative_to(path)), file) for file in path.rglob('*')
                  if file.is_file())
