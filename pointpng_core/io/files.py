"""What all readers and writers share: checked paths, atomic writes, hashes, values for JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
import hashlib
import math
import os
from pathlib import Path
import tempfile
from typing import Any

import numpy as np

from pointpng_core.errors import FileError

BLOCK_BYTES = 1 << 20


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path of the same name, whose file replaces `path` at the end, in one step.

    Other processes see the old file or the complete new one, whenever this one is killed. The
    folder of `path` must exist. On an error, an OSError included, `path` remains as it was.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, suffix='.part') as folder:
        whole = Path(folder) / path.name
        yield whole
        os.replace(whole, path)


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


def checked_path(path: str | Path, suffixes: tuple[str, ...]) -> Path:
    """Return the path of a non-empty regular file of a known suffix; raises FileError."""
    path = Path(path)
    if os.path.isdir(path):  # False, not an error, where a parent cannot be read
        raise FileError(f'cannot read {path}: it is a folder; name a file in it')
    if path.suffix.lower() not in suffixes:
        kind = f'{path.suffix!r}' if path.suffix else 'a file without a suffix'
        raise FileError(f'{path}: {kind} is not read here; use one of {", ".join(suffixes)}')
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    if not path.is_file():
        raise FileError(f'cannot read {path}: it is not a regular file')
    if size == 0:
        raise FileError(f'{path} is empty (0 bytes)')
    return path
