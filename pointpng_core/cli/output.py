"""How commands write their results: lines and tables for people, JSON for programs.

Everything that a command shows goes through here, where characters that would act on the terminal
are escaped: `say`, `say_on` and `markup`. `test/package/test_terminal.py` finds what does not.
"""

from collections.abc import Sequence
import json
import logging
import math
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.io.files import atomic_write_text, to_jsonable
from pointpng_core.text import printable

if TYPE_CHECKING:
    from rich.console import Console

_CORE_LOGGER = logging.getLogger('pointpng_core')


def say(text: object, *, error: bool = False) -> None:
    """Print lines on the standard output, or on the standard error."""
    stream = sys.stderr if error else sys.stdout
    kind = getattr(stream, 'encoding', None) or 'utf-8'          # of the terminal: perhaps ASCII
    shown = printable(text, lines=True).encode(kind, 'backslashreplace').decode(kind)
    print(shown, file=stream, flush=True)


def say_on(console: 'Console', text: object) -> None:
    """Print lines on a console of rich, which finds no markup in them."""
    console.print(printable(text, lines=True), markup=False, highlight=False, soft_wrap=True)


def markup(text: object) -> str:
    """Return a line for a cell or a bar of rich, which show square brackets as they are."""
    from rich.markup import escape
    return escape(printable(text))


class WarningLines(logging.Handler):
    """Says what the core logs on the standard error, as errors are."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless another handler does: the log of a node that the command runs."""
        if all(isinstance(handler, WarningLines) for handler in _CORE_LOGGER.handlers):
            say(f'pointpng: {record.levelname.lower()}: {record.getMessage()}', error=True)


def show_warnings() -> None:
    """Have the warnings of the core printed, each on one line."""
    if not any(isinstance(handler, WarningLines) for handler in _CORE_LOGGER.handlers):
        _CORE_LOGGER.addHandler(WarningLines(logging.WARNING))


def check_json_target(target: str | None) -> None:
    """Refuse a JSON path that cannot be written before the work is done; raises FileError."""
    if target not in (None, '-') and not Path(str(target)).resolve().parent.is_dir():
        raise FileError(f'cannot write {target}: its folder does not exist')


def write_json(target: str | None, content: dict[str, Any]) -> None:
    """Write JSON to a file, to the standard output for '-', or nowhere for None.

    Arrays become lists; numbers that JSON does not know (nan, inf) become null. A file is whole
    or as it was before; raises FileError.
    """
    if target is None:
        return
    text = json.dumps(to_jsonable(content), indent=2, allow_nan=False) + '\n'
    if target == '-':
        print(text, end='', flush=True)
        return
    path = Path(target)
    if path.is_file() or not path.exists():
        atomic_write_text(path.resolve(), text)        # of a link, the file that it leads to
        return
    try:
        path.write_text(text, encoding='utf-8')        # a pipe or a device is not to be replaced
    except OSError as error:
        raise FileError(f'cannot write {target}: {error.strerror or error}') from error


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *,
          left: Sequence[int] = (0,)) -> str:
    """Return lines of aligned columns, those in `left` to the left and the others to the right."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [cell.ljust(width) if column in left else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append('  '.join(cells).rstrip())
    return '\n'.join(lines)


def number(value: Any, digits: int = 2) -> str:
    """Return a number with fixed digits, '-' for none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return '-'
    return f'{value:.{digits}f}' if isinstance(value, (float, np.floating)) else str(value)
