"""What every kind of bag file holds: topics, and messages on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic of one file; `count` is how many messages the file says that it holds."""

    id: int
    name: str
    message_type: str
    """As package/msg/Name."""
    count: int


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message as recorded, unpacked."""

    topic: int
    time_ns: int
    data: bytes


class Storage(Protocol):
    """An open bag file."""

    topics: list[Topic]
    damage: str
    """What is wrong with the file although it can be read; empty for nothing."""

    def messages(self, topics: set[int]) -> Iterator[Message]:
        """Yield the messages of topics, by their ids, oldest first; FileError at damage."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def shortened(error: BaseException) -> str:
    """Return the text of an error of a library, of bounded length; its type where it has none."""
    text = ' '.join(str(error)[:10 * _SHOWN].split()) or type(error).__name__
    return text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...'
