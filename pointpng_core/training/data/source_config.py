"""A data source, as it is named on the command line or in YAML."""

from dataclasses import dataclass
import os
from pathlib import Path
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError
from pointpng_core.io.units import UNIT_M

PROCEDURAL = 'procedural'
SPLITS = ('train', 'test', 'all')
_SPLIT_RULE = re.compile(r'(\d+)\+(\d+)')
_KINDS: dict[str, type] = {'weight': float, 'least_unique': int, 'limit': int}


@dataclass(frozen=True, kw_only=True)
class SourceConfig(Config):
    """A bag, a file, a folder or `procedural`, which of its objects are used, and their weight."""

    path: str = option('', help='Bag, .npz, .h5, folder of any of these or of meshes and clouds, '
                                'or procedural[:COUNT].')
    weight: float = option(1.0, low=1e-6, high=1e6,
                           help='Sampling weight, relative to the other sources.')
    topic: str = option('', help='Topic of the clouds in a bag; not needed if there is only one.')
    split: str = option('train', choices=SPLITS,
                        help='Objects used; those of a test split are never in train.')
    unit: str = option('m', choices=tuple(UNIT_M),
                       help='Unit of the clouds in a bag, which are segmented by size.')
    least_unique: int = option(256, low=0, help='Least number of different points of an object, '
                                                'in files that count them (n_unique).')
    leave_out: str = option('', help='Objects of the split that are held out for model '
                                     'selection or tests: K+R is every K-th from number R on; '
                                     'several with /.')
    limit: int = option(0, low=0, help='Most objects, sampled with the seed; 0 uses all.')

    def __post_init__(self) -> None:
        """Check every field; raises ConfigError."""
        super().__post_init__()
        if not self.path.strip():
            raise ConfigError('SourceConfig.path is empty: name a bag, a file, a folder or '
                              'procedural[:COUNT]')
        self._held_out_rules()

    @property
    def is_procedural(self) -> bool:
        """Return whether the path is `procedural` or `procedural:COUNT`, and not a file."""
        return self.path.partition(':')[0] == PROCEDURAL and not Path(self.path).exists()

    @classmethod
    def parse(cls, text: str) -> 'SourceConfig':
        """Read 'PATH,weight=2,topic=/x'; raises ConfigError.

        The path may hold commas: it is the longest beginning of the text that exists.
        """
        path, words = _path_and_options(text)
        mapping: dict[str, Any] = {'path': path}
        for word in words:
            name, equals, value = word.partition('=')
            if not equals:
                raise ConfigError(f'source {text!r}: expected NAME=VALUE after the path, got '
                                  f'{word!r}; if it belongs to the path, there is no such path')
            if name.strip() in mapping:
                raise ConfigError(f'source {text!r} gives {name.strip()!r} twice')
            mapping[name.strip()] = _typed(text, name.strip(), value.strip())
        return cls.from_mapping(mapping)

    @classmethod
    def from_value(cls, value: Any) -> 'SourceConfig':
        """Read a source of a YAML list: a mapping, or a string as `parse` takes it."""
        if isinstance(value, str):
            return cls.parse(value)
        if isinstance(value, dict):
            return cls.from_mapping(value)
        raise ConfigError(f'source {value!r}: expected a path or a mapping with `path`')

    def choose(self, count: int, test: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Return the rows of the split among `count` objects, from the mask of the test objects.

        Objects without a split (None) are for training; raises ConfigError for their test split.
        """
        rows = self._of_split(count, test)
        numbers = np.arange(len(rows))
        held_out = np.zeros(len(rows), dtype=bool)
        for step, first in self._held_out_rules():
            held_out |= numbers % step == first
        return rows[~held_out]

    def _of_split(self, count: int, test: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        if test is None:
            if self.split == 'test':
                raise ConfigError(f'{self.path} has no test split; use split=all if it is meant')
            return np.arange(count)
        mask = {'train': ~test, 'test': test, 'all': np.ones_like(test)}[self.split]
        return np.flatnonzero(mask)

    def _held_out_rules(self) -> list[tuple[int, int]]:
        """Return the (K, R) of `leave_out`; raises ConfigError."""
        rules = [_SPLIT_RULE.fullmatch(word.strip()) for word in self.leave_out.split('/') if word]
        pairs = [(int(rule[1]), int(rule[2])) for rule in rules if rule]
        if len(pairs) < len(rules) or any(first >= step for step, first in pairs):
            raise ConfigError(f'{self.path}: leave_out = {self.leave_out!r}: expected K+R with '
                              'R < K, such as 3+2 (objects 2, 5, 8, ...), or several with /')
        return pairs


def _path_and_options(text: str) -> tuple[str, list[str]]:
    """Return the path, which may hold commas where it exists, and the words behind it."""
    words = text.split(',')
    for count in range(len(words), 1, -1):
        path = ','.join(words[:count]).strip()
        if os.path.exists(path):         # False, not an error, for what can be no path
            return path, words[count:]
    return words[0].strip(), words[1:]


def _typed(text: str, name: str, value: str) -> Any:
    """Convert a value to the type of its field; unknown names are left to `from_mapping`."""
    kind = _KINDS.get(name, str)
    try:
        return kind(value)
    except ValueError as error:
        raise ConfigError(f'source {text!r}: {name} = {value!r} is no {kind.__name__}') from error
