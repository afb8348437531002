"""JSON files of others: of bounded size, with errors that name the file, the key and the value."""

from collections.abc import Iterator, Mapping
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.files import read_within
from pointpng_core.io.limits import MAX_JSON_BYTES, MAX_JSON_VALUES
from pointpng_core.text import shown

MAX_ID = 10**9
_MOST_DIGITS = 20


class Record:
    """One JSON object; `where` names its file and place for errors, all of which are FileError."""

    def __init__(self, where: str, values: Any) -> None:
        """Take a value that must be a JSON object."""
        if not isinstance(values, dict):
            raise FileError(f'{where}: expected {{"key": value, ...}}, got '
                            f'{type(values).__name__}')        # which may be of any other file
        self.where = where
        self._values: Mapping[str, Any] = values

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(map(str, self._values))

    def value(self, key: str) -> Any:
        """Return any value."""
        return self._get(key, 'a value')

    def __contains__(self, key: str) -> bool:
        """Return whether there is such a key."""
        return key in self._values

    def text(self, key: str) -> str:
        """Return a text."""
        value = self._get(key, 'a text')
        if not isinstance(value, str):
            raise self._wrong(key, value, 'a text')
        return value

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self._get(key, 'a number')
        if not is_number(value):
            raise self._wrong(key, value, 'a finite number')
        return float(value)

    def positive(self, key: str) -> float:
        """Return a finite number above 0."""
        value = self.number(key)
        if value <= 0:
            raise FileError(f'{self.where}: "{key}" is {value:g}, but must be above 0')
        return value

    def identity(self, key: str) -> int:
        """Return a whole number from 0 on: an id or a count."""
        value = self._get(key, 'a whole number')
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_ID:
            raise self._wrong(key, value, f'a whole number in [0, {MAX_ID}]')
        return value

    def numbers(self, key: str, count: int) -> NDArray[np.float64]:
        """Return (count,) finite numbers."""
        value = self._get(key, f'{count} numbers')
        if not isinstance(value, list) or len(value) != count or not all(map(is_number, value)):
            raise self._wrong(key, value, f'a list of {count} finite numbers')
        return np.array(value, dtype=np.float64)

    def sequence(self, key: str) -> list[Any]:
        """Return a list, empty where the key is missing."""
        value = self._values.get(key, [])
        if not isinstance(value, list):
            raise self._wrong(key, value, 'a list')
        return value

    def by_id(self) -> Iterator[tuple[int, Any]]:
        """Yield (id, value) of an object whose keys are ids, in the order of the ids."""
        for key in self._values:
            if not (key.isascii() and key.isdigit() and len(key) <= _MOST_DIGITS
                    and int(key) <= MAX_ID):
                raise FileError(f'{self.where}: the key {shown(key)} must be an id such as "12"')
        yield from sorted((int(key), value) for key, value in self._values.items())

    def _get(self, key: str, kind: str) -> Any:
        if key not in self._values:
            raise FileError(f'{self.where}: it has no "{key}"; add it: {kind}')
        return self._values[key]

    def _wrong(self, key: str, value: Any, kind: str) -> FileError:
        return FileError(f'{self.where}: "{key}" is {shown(value)}, but must be {kind}')


def read_json(path: Path, *, hint: str) -> Any:
    """Return what a JSON file holds; `hint` says what to do where it is missing.

    Raises FileError for a file that is missing, too large or not JSON.
    """
    try:
        text = read_within(path, MAX_JSON_BYTES)
        values = sum(text.count(mark) for mark in b',[{')
        if values > MAX_JSON_VALUES:
            raise FileError(f'{path} holds {values} values; no more than {MAX_JSON_VALUES} are '
                            'read')
        return json.loads(text)
    except FileNotFoundError as error:
        raise FileError(f'{path} is missing: {hint}') from error
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    except (ValueError, RecursionError) as error:
        raise FileError(f'{path} is not valid JSON: {error}; was it cut short?') from error


def is_number(value: Any) -> bool:
    """Return whether a value of a JSON file is a finite number that fits a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e300 and math.isfinite(value)
