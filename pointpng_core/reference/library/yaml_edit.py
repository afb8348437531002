"""Adding and replacing entries of an `objects.yaml` that was written by hand.

The text is edited, not written anew, so that comments, order and layout stay. The result is read
again and compared before it replaces the file in one step: no entry is ever lost. Why not the
round trip of ruamel.yaml (measured with 0.19): it indents all lists alike, drops the comment after
a replaced last entry and those of a file without entries, and changes flow mappings.
"""

from collections.abc import Sequence
import os
from pathlib import Path
from typing import Any

import yaml

from pointpng_core.config import parse_yaml, read_yaml_text
from pointpng_core.errors import FileError, LibraryError
from pointpng_core.io.object_library import OBJECTS_KEY as KEY
from pointpng_core.io.object_library import check_is_library
from pointpng_core.text import shown

Entry = dict[str, Any]
_HEADER = '# Object library of pointpng: see docs/objects.md.\nobjects:\n'


def read_text(path: Path) -> str:
    """Return the text of an objects.yaml, '' where there is none; raises FileError."""
    return read_yaml_text(path) if os.path.exists(path) else ''


def entries_in(text: str, *, where: str) -> list[Any]:
    """Return the entries of a text, none of an empty one; raises LibraryError."""
    try:
        content = parse_yaml(text, where=where)
    except FileError as error:
        raise LibraryError(str(error)) from error
    if content is None:
        return []
    if not isinstance(content, dict):
        raise LibraryError(f'{where}: expected "{KEY}:" with a list, got '
                           f'{type(content).__name__}')
    check_is_library(content, where=where)
    entries = content.get(KEY)
    if entries is not None and not isinstance(entries, list):
        raise LibraryError(f'{where}: expected "{KEY}:" with a list, got {shown(entries)}')
    return entries or []


def with_entry(text: str, entry: Entry, *, where: str) -> str:
    """Return the text with an entry added, or in the place of the one of the same name.

    Raises LibraryError when the text is of a form that cannot be edited without a loss.
    """
    before = entries_in(text, where=where)
    names = [other.get('name') if isinstance(other, dict) else None for other in before]
    row = names.index(entry['name']) if entry['name'] in names else len(before)
    edited = _edited(text, row, entry) if before else _begun(text, entry)
    if entries_in(edited, where=where) != [*before[:row], entry, *before[row + 1:]]:
        raise LibraryError(f'{where} is written in a form that cannot be edited here; add this '
                           f'entry by hand: - {_flow(entry)}')
    return edited


def _begun(text: str, entry: Entry) -> str:
    """Return a text without entries with its first one; its comments stay above."""
    kept = [line for line in text.splitlines(keepends=True) if line.lstrip().startswith('#')]
    return (''.join(kept) + f'{KEY}:\n' if kept else _HEADER) + f'  - {_flow(entry)}\n'


def _edited(text: str, row: int, entry: Entry) -> str:
    items = _items(text)
    if row < len(items.value):
        start, end = _span(text, items.value[row])
        return text[:start] + _flow(entry) + text[end:]
    _, end = _span(text, items.value[-1])
    if items.flow_style:
        return f'{text[:end]}, {_flow(entry)}{text[end:]}'
    line_end = text.find('\n', end)
    head, tail = (text + '\n', '') if line_end < 0 else (text[:line_end + 1], text[line_end + 1:])
    return f'{head}{" " * items.start_mark.column}- {_flow(entry)}\n{tail}'


def _items(text: str) -> Any:
    """Return the node of the list of objects."""
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    return next(value for key, value in root.value if key.value == KEY)


def _span(text: str, node: Any) -> tuple[int, int]:
    """Return where an item begins and ends; a block ends where its last value does."""
    return node.start_mark.index, _end(node)


def _end(node: Any) -> int:
    """Return the end of a node; that of a block mapping reaches over the comments after it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last: Sequence[Any] = node.value[-1] if isinstance(node, yaml.MappingNode) else node.value
    return _end(last[-1])


def _flow(entry: Entry) -> str:
    return yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=10**9).strip()
