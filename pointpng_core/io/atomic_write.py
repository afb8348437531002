"""Files that are there completely or not at all, whoever reads or kills meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import tempfile

from pointpng_core.errors import FileError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path of the same name to write to; what is there then takes the place of `path`.

    The folder of `path` must be there. Raises OSError; nothing has changed then.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, suffix='.part') as folder:
        whole = Path(folder) / path.name
        yield whole
        os.replace(whole, path)


def atomic_write_text(path: Path, text: str) -> None:
    """Replace a file in one step: readers see the old text or the new one; raises FileError."""
    try:
        with atomic_write(path) as whole:
            whole.write_text(text, encoding='utf-8')
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error
