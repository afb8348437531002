"""Adding and replacing entries of an `objects.yaml` that was written by hand.

The text is edited, not written anew, so that comments, order and layout stay. The result is read
again and compared before it replaces the file in one step: no entry is ever lost. Why not the
round trip of ruamel.yaml (measured with 0.19): it indents all lists alike, drops the comment after
a replaced last entry and those of a file without entries, and changes flow mappings.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pointpng_core.errors import FileError, LibraryError

Entry = dict[str, Any]
KEY = 'objects'
_HEADER = '# Object library of pointpng: see docs/objects.md.\nobjects:\n'


def read_text(path: Path) -> str:
    """Return the text of an objects.yaml, '' where there is none; raises FileError."""
    try:
        return path.read_text(encoding='utf-8') if path.exists() else ''
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f'cannot read {path}: {error}') from error


def entries_in(text: str, *, where: str) -> list[Any]:
    """Return the entries of a text, none of an empty one; raises LibraryError."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise LibraryError(f'{where} is not valid YAML: {" ".join(str(error).split())}') from error
    if content is None:
        return []
    entries = content.get(KEY) if isinstance(content, dict) else content
    if isinstance(content, dict) and entries is None:
        return []
    if not isinstance(content, dict) or not isinstance(entries, list):
        raise LibraryError(f'{where}: expected "{KEY}:" with a list, got {content!r}')
    return entries


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
