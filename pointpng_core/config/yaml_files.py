"""YAML that is not trusted: bounded in size, depth and aliases, read by the safe loader.

Errors name the line but never quote it: the file may be another one than was meant.
"""

from pathlib import Path
import re
from typing import Any

import yaml

from pointpng_core.errors import FileError

MAX_YAML_BYTES = 1 << 20
"""1 MiB; an objects.yaml of a thousand objects has some 100 kB."""
MAX_YAML_NODES = 100_000
"""Values, keys and collections; an alias counts as all that it stands for."""
MAX_YAML_DEPTH = 32
MAX_DIGITS = 100


def read_yaml_mapping(path: str | Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping, {} of an empty one; raises FileError."""
    content = parse_yaml(read_yaml_text(path), where=f'{path}')
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise FileError(f'{path}: expected a mapping at the top, got {type(content).__name__}')
    return content


def read_yaml_text(path: str | Path) -> str:
    """Return the text of a YAML file; raises FileError for one that is no text or too large."""
    try:
        # Anything else, a pipe or a device, may have no end.
        if Path(path).exists() and not Path(path).is_file():
            raise FileError(f'cannot read {path}: it is not a regular file')
        with Path(path).open('rb') as stream:
            content = stream.read(MAX_YAML_BYTES + 1)
        if len(content) > MAX_YAML_BYTES:
            raise FileError(f'{path} has more than {MAX_YAML_BYTES} bytes, which is no '
                            'configuration or object library')
        return content.decode('utf-8')
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    except UnicodeDecodeError as error:
        raise FileError(f'{path} is not valid YAML: byte {error.start} is not UTF-8') from error
    except ValueError as error:                      # a name with a null character
        raise FileError(f'cannot read {path}: {error}') from error


def parse_yaml(text: str, *, where: str, first: bool = False) -> Any:
    """Return the content of a YAML text, which may hold one document; raises FileError.

    `where` names its file. With `first` it may hold several: that of the first with any content.
    """
    try:
        if not first:
            return yaml.load(text, Loader=_BoundedLoader)
        documents = yaml.load_all(text, Loader=_BoundedLoader)
        return next((each for each in documents if each is not None), None)
    except _LimitError as error:
        raise FileError(f'{where}: {error}') from error
    except yaml.MarkedYAMLError as error:
        raise FileError(f'{where} is not valid YAML: {_reason(error)}') from error
    except yaml.YAMLError as error:                  # a character that YAML does not allow
        position = getattr(error, 'position', None)
        raise FileError(f'{where} is not valid YAML: character {position} is not allowed '
                        'in it') from error
    except Exception as error:       # PyYAML's constructors raise a dozen types for odd scalars
        raise FileError(f'{where} is not valid YAML: a value that cannot be read, such as an '
                        f'impossible date or a number of thousands of digits '
                        f'({type(error).__name__})') from error


class _LimitError(Exception):
    """A text that is not read to its end."""


class _BoundedLoader(yaml.SafeLoader):
    """The safe loader of PyYAML within the limits above."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth = self._nodes = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node; raises _LimitError."""
        alias = self.check_event(yaml.AliasEvent)
        before, self._depth = self._nodes, self._depth + 1
        if self._depth > MAX_YAML_DEPTH:
            raise _LimitError(f'its values are nested more than {MAX_YAML_DEPTH} deep')
        node = super().compose_node(parent, index)
        self._depth -= 1
        if alias and id(node) not in self._sizes:
            raise _LimitError('an alias stands for a value that contains it')
        self._nodes += self._sizes[id(node)] if alias else 1
        if self._nodes > MAX_YAML_NODES:
            raise _LimitError(f'it has more than {MAX_YAML_NODES} values, aliases counted as what '
                              'they stand for')
        self._sizes[id(node)] = self._nodes - before
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Return a mapping whose keys are all different; raises _LimitError."""
        node = super().compose_mapping_node(anchor)
        keys = [(key.tag, key.value) for key, _ in node.value
                if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(set(keys)):
            line = node.start_mark.line + 1
            raise _LimitError(f'a key is given twice in the mapping that begins in line {line}')
        return node

    def construct_yaml_int(self, node: Any) -> int:
        """Return a whole number; one of thousands of digits cannot even be shown."""
        if len(str(node.value)) > MAX_DIGITS:
            raise _LimitError(f'it has a number of more than {MAX_DIGITS} digits')
        return int(super().construct_yaml_int(node))


_BoundedLoader.add_constructor('tag:yaml.org,2002:int', _BoundedLoader.construct_yaml_int)


def _reason(error: yaml.MarkedYAMLError) -> str:
    """Return the parser's words without what they quote, and the place."""
    words = ' '.join(filter(None, (error.context, error.problem)))
    unquoted = re.sub(r"""\s*('[^']*'|"[^"]*")""", '', words)
    mark = error.problem_mark or error.context_mark
    place = f', line {mark.line + 1}, column {mark.column + 1}' if mark else ''
    return f'{" ".join(unquoted.split())}{place}'
