"""What every reader does first: check the path, and keep Open3D from printing."""

from collections.abc import Iterator
import contextlib
from pathlib import Path
from typing import Any

from pointpng_core.errors import FileError, MissingDependencyError
from pointpng_core.io.system_libraries import explain_missing


def checked_path(path: str | Path, suffixes: tuple[str, ...]) -> Path:
    """Return the path of a non-empty regular file of a known suffix; raises FileError."""
    path = Path(path)
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


@contextlib.contextmanager
def quiet_open3d() -> Iterator[Any]:
    """Import Open3D (about a second, so only where it is used) and silence its console output.

    Raises MissingDependencyError when the system lacks a library that Open3D loads.
    """
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f'Open3D cannot be imported: {error}. {explain_missing()}'.rstrip()) from error
    with open3d.utility.VerbosityContextManager(open3d.utility.VerbosityLevel.Error):
        yield open3d
