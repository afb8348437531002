"""How commands write their results: a table for people, JSON for programs."""

from collections.abc import Sequence
import json
import math
from pathlib import Path
import sys
from typing import Any

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.io.files import to_jsonable


def check_json_target(target: str | None) -> None:
    """Refuse a JSON path that cannot be written before the work is done; raises FileError."""
    if target not in (None, '-') and not Path(str(target)).resolve().parent.is_dir():
        raise FileError(f'cannot write {target}: its folder does not exist')


def write_json(target: str | None, content: dict[str, Any]) -> None:
    """Write JSON to a file, to the standard output for '-', or nowhere for None.

    Arrays become lists; numbers that JSON does not know (nan, inf) become null.
    """
    if target is None:
        return
    text = json.dumps(to_jsonable(content), indent=2, allow_nan=False) + '\n'
    if target == '-':
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding='utf-8')
    except OSError as error:
        raise FileError(f'cannot write {target}: {error.strerror or error}') from error


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *,
          left: Sequence[int] = (0,)) -> str:
    """Return lines of aligned columns, those in `left` to the left and the others to the right."""
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
