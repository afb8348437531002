"""Folders that appear under their name all at once, and vanish so, whenever the power goes."""

from collections.abc import Mapping
import errno
import os
from pathlib import Path
import shutil
import uuid

LEFTOVER = '.part-'
"""Begins the names of folders that are being written or deleted; nobody takes them for good."""


def place_folder(target: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a new folder that takes the name `target` when all is on disk.

    A folder that has the name already gives way. Raises OSError, and leaves everything as it was.
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
    """Delete a folder; half-deleted, it no longer has its name. Raises OSError."""
    doomed = _beside(target)
    target.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def clean_folder(folder: Path) -> None:
    """Delete what interrupted processes left in a folder; none may be writing there now."""
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
    """Rename onto a name that is free; what had it is renamed first, and deleted last."""
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
    """Bring a folder's list of names to disk; some file systems cannot, and need not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
