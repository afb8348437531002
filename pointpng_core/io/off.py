"""OFF files whose first line runs into the numbers, as in ModelNet40 (`OFF490 518 0`)."""

from collections.abc import Iterator
import contextlib
from pathlib import Path
import re
import tempfile

from pointpng_core.errors import FileError

_GLUED = re.compile(rb'(\s*[A-Za-z]*OFF)(\d)')


@contextlib.contextmanager
def with_header_line(path: Path) -> Iterator[Path]:
    """Give an OFF file that Open3D can read: the same one, or a corrected copy for a while.

    Raises FileError when the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    glued = _GLUED.match(content)
    if glued is None:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(glued.group(1) + b'\n' + content[glued.start(2):])
        yield copy
