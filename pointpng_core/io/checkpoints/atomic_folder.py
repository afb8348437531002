"""Folders that are created and deleted atomically, even if the process or machine stops."""

from collections.abc import Mapping
import errno
import os
from pathlib import Path
import shutil
import uuid

LEFTOVER = '.part-'
"""Prefix of folders that are being written or deleted, which all readers ignore."""


def place_folder(target: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a new folder, which is renamed to `target` when everything is on disk.

    An existing folder of that name is replaced. On an OSError, everything remains as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = _beside(target)
    try:
        staged.mkdir()
        for name, content in contents.items():
            _write(staged / name, content)
        _sync_folder(staged)
        _give_name(staged, target)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def discard_folder(target: Path) -> None:
    """Delete a folder, renamed first so that no reader sees a part of it; raises OSError."""
    doomed = _beside(target)
    target.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def clean_folder(folder: Path) -> None:
    """Delete the leftovers of interrupted processes; no process may be writing there now."""
    for leftover in folder.glob(f'{LEFTOVER}*'):
        shutil.rmtree(leftover, ignore_errors=True)


def _beside(target: Path) -> Path:
    return target.with_name(f'{LEFTOVER}{target.name}-{uuid.uuid4().hex[:8]}')


def _write(path: Path, content: bytes) -> None:
    with path.open('wb') as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _give_name(staged: Path, target: Path) -> None:
    """Rename a folder to `target`; an existing one is renamed first, and deleted last."""
    if not target.exists():
        staged.rename(target)
        _sync_folder(target.parent)
        return
    old = _beside(target)
    target.rename(old)
    try:
        staged.rename(target)
    except OSError:
        old.rename(target)
        raise
    _sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    """Flush the directory entries to disk; some file systems cannot, and need not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
