"""A rule that takes every k-th name of a sorted list, to keep test objects out of training."""

from collections.abc import Sequence
from dataclasses import dataclass

from pointpng_core.errors import ConfigError


@dataclass(frozen=True)
class SplitRule:
    """The positions i with i % every == offset: 3:2 are the held-out YCB objects."""

    every: int
    offset: int = 0

    def __post_init__(self) -> None:
        """Check the range; raises ConfigError."""
        if not 0 <= self.offset < self.every:
            raise ConfigError(f'every {self.every}, offset {self.offset}: the offset must lie in '
                              f'[0, {self.every - 1}]' if self.every > 0 else
                              f'every {self.every}: must be at least 1')

    @classmethod
    def parse(cls, text: str) -> 'SplitRule':
        """Read 'EVERY' or 'EVERY:OFFSET'; raises ConfigError."""
        every, colon, offset = text.partition(':')
        if not every.isdecimal() or (colon and not offset.isdecimal()):
            raise ConfigError(f'{text!r} is not a rule such as 20 (every 20th, starting with the '
                              'first) or 3:2 (every third, starting with the third)')
        return cls(int(every), int(offset or 0))

    def __contains__(self, position: int) -> bool:
        """Return whether the rule takes this position, counted from 0."""
        return position % self.every == self.offset

    def taken(self, names: Sequence[str]) -> set[str]:
        """Return the set of names at the positions of the rule."""
        return {name for position, name in enumerate(names) if position in self}
