"""What all readers and writers share: checked paths, atomic writes, hashes, values for JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
import hashlib
import math
import os
from pathlib import Path
import shutil
import stat
import sys
import tempfile
import time
from typing import Any

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.io.first_bytes import check_first_bytes
from pointpng_core.text import shown

BLOCK_BYTES = 1 << 20
LEFTOVER_AGE_S = 3600.0
"""What a killed process left in a cache is removed after an hour."""
_PART = '.part'
MAX_NAME_BYTES, MAX_PATH_BYTES = 255, 1024
"""Of names that data from outside gives; Linux opens nothing longer than 255."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path of the same name, whose file replaces `path` at the end, in one step.

    Other processes see the old file or the complete new one, whenever this one is killed. The
    folder of `path` must exist. On an error, an OSError included, `path` remains as it was.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, suffix=_PART) as folder:
        whole = Path(folder) / path.name
        yield whole
        os.replace(whole, path)


def remove_leftovers(folder: Path, *, older_than_s: float = 0.0) -> list[Path]:
    """Remove what `atomic_write` left in a folder when its process was killed; return the paths.

    Younger ones may be those of a process that is writing now. What cannot be removed stays.
    """
    removed = []
    for leftover in folder.glob(f'tmp*{_PART}'):
        try:
            if leftover.is_symlink() or not leftover.is_dir() \
                    or time.time() - leftover.stat().st_mtime < older_than_s:
                continue
            shutil.rmtree(leftover)
            removed.append(leftover)
        except OSError:
            continue
    return removed


def atomic_write_text(path: Path, text: str) -> None:
    """Write a text file in one step, see `atomic_write`; raises FileError."""
    try:
        with atomic_write(path) as whole:
            whole.write_text(text, encoding='utf-8')
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits; raises OSError."""
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def check_regular(path: Path, most_bytes: int) -> int:
    """Return the size of a regular file of at most so many bytes; raises FileError or OSError.

    Refused is also what `check_first_bytes` knows as another kind of file.
    """
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise FileError(f'cannot read {path}: it is not a regular file')
    if facts.st_size > most_bytes:
        raise FileError(f'{path} has {facts.st_size} bytes; no more than {most_bytes} are read')
    check_first_bytes(path)
    return facts.st_size


def read_within(path: Path, most_bytes: int) -> bytes:
    """Return the bytes of a regular file of at most so many; raises FileError or OSError."""
    size = check_regular(path, most_bytes)
    with path.open('rb') as stream:
        return stream.read(size)         # takes so much memory at once, whatever the file holds


def to_jsonable(value: Any) -> Any:
    """Return a value for JSON: arrays and tuples as lists, paths as text, nan and inf as None."""
    if isinstance(value, dict):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return to_jsonable(value.tolist())
    if isinstance(value, (list, tuple)):
        return [to_jsonable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def path_inside(folder: Path, name: Any) -> Path:
    """Return the path of a file that data from outside names, which may lie in `folder` only.

    Refused are absolute paths, `..`, and links, even to files in the folder; the file need not
    exist. Raises FileError.
    """
    if not isinstance(name, str) or not name or not name.isprintable():
        raise FileError(f'{shown(name)} must be the name of a file in {folder}')
    parts = Path(name).parts
    if Path(name).is_absolute() or '..' in parts or name.startswith('~'):
        raise FileError(f'{shown(name)} leads out of {folder}: files outside of it are not read; '
                        'copy the file there')
    if any(len(os.fsencode(part)) > MAX_NAME_BYTES for part in parts) \
            or len(os.fsencode(name)) > MAX_PATH_BYTES:
        raise FileError(f'{shown(name)} is too long for the name of a file')
    path = folder
    for part in parts:
        path = path / part
        if os.path.islink(path):
            raise FileError(f'{path} is a link: links are not followed, since they may lead out '
                            f'of {folder}; copy the file there')
    return path


def checked_path(path: str | Path, suffixes: tuple[str, ...]) -> Path:
    """Return the path of a non-empty regular file of a known suffix; raises FileError."""
    path = Path(path)
    if os.path.isdir(path):  # False, not an error, where a parent cannot be read
        raise FileError(f'cannot read {path}: it is a folder; name a file in it')
    if path.suffix.lower() not in suffixes:
        kind = f'{path.suffix!r}' if path.suffix else 'a file without a suffix'
        raise FileError(f'{path}: {kind} is not read here; use one of {", ".join(suffixes)}')
    try:
        size = check_regular(path, sys.maxsize)
    except (OSError, ValueError) as error:           # ValueError: a name with a null character
        raise FileError(f'cannot read {path}: {getattr(error, "strerror", error)}') from error
    if size == 0:
        raise FileError(f'{path} is empty (0 bytes)')
    return path
