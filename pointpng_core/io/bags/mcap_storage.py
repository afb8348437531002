"""MCAP files, read from their data section: an index that promises more is found out."""

from collections import Counter
from collections.abc import Iterator
import heapq
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.bags import mcap_records as mcap
from pointpng_core.io.bags.topics import Message, Topic
from pointpng_core.io.limits import MAX_BAG_TOPICS, MAX_MESSAGE_BYTES

_ENCODING = 'cdr'
_KIND, _TIME, _PLACE, _LENGTH = range(4)
_Waiting = tuple[int, int, Message]


class McapStorage:
    """An open .mcap file; raises FileError for a file that is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, tuple[int, str, str]] = {}
        self._stream = mcap.opened(path)
        try:
            layout = mcap.walk(self._stream, path.stat().st_size)
            self.damage = layout.damage
            self._blocks = _by_time(layout)
            for kind, place, length in layout.definitions:
                self._define(kind, mcap.read_at(self._stream, place, length))
            counts = self._promised(layout) if layout.statistics else None
            self._counts = self._counted() if counts is None else counts
        except FileError:
            self.close()
            raise
        self.topics = [Topic(id=key, name=name, message_type=self._schemas.get(schema, ''),
                             count=self._counts.get(key, 0))
                       for key, (schema, name, encoding) in sorted(self._channels.items())
                       if encoding == _ENCODING]

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def messages(self, topics: set[int]) -> Iterator[Message]:
        """Yield the messages of topics, by their ids, in the order of their times.

        Raises FileError at the first chunk that is damaged. Chunks that overlap in time wait in
        memory for each other, up to the size of one message; beyond it they come in the order of
        the file.
        """
        waiting: list[_Waiting] = []
        size = number = 0
        for block in self._blocks:
            while waiting and (waiting[0][0] < block[_TIME] or size > MAX_MESSAGE_BYTES):
                message = heapq.heappop(waiting)[2]
                size -= len(message.data)
                yield message
            for message in self._messages_in(block, topics):
                heapq.heappush(waiting, (message.time_ns, number, message))
                size, number = size + len(message.data), number + 1
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _messages_in(self, block: NDArray[np.uint64], topics: set[int] | None
                     ) -> Iterator[Message]:
        """Yield the messages of one chunk, or the one outside of chunks; of all topics for None.

        Schemas and channels in the chunk are noted.
        """
        kind, start_ns, place, length = map(int, block)
        content = mcap.read_at(self._stream, place, length)
        try:
            for record, data in (mcap.records(mcap.unpacked(content)) if kind == mcap.CHUNK
                                 else [(kind, content)]):
                if record == mcap.MESSAGE:
                    channel, time_ns, raw = mcap.message_of(data)
                    if time_ns < start_ns:
                        raise FileError('a chunk holds messages from before its start')
                    if topics is None or channel in topics:
                        yield Message(topic=channel, time_ns=time_ns, data=raw)
                else:
                    self._define(record, data)
        except FileError as error:
            raise FileError(f'{self._path}, byte {place}: {error}') from error

    def _define(self, kind: int, content: bytes) -> None:
        """Note a schema or a channel; the first one with an id counts."""
        if kind == mcap.SCHEMA:
            key, name = mcap.schema_of(content)
            self._schemas.setdefault(key, name)
        elif kind == mcap.CHANNEL:
            key, schema, topic, encoding = mcap.channel_of(content)
            self._channels.setdefault(key, (schema, topic, encoding))
        if len(self._channels) > MAX_BAG_TOPICS:
            raise FileError(f'{self._path} has more than {MAX_BAG_TOPICS} topics')

    def _promised(self, layout: mcap.Layout) -> dict[int, int] | None:
        """Return the messages by channel of the summary, or None where they cannot be right."""
        assert layout.statistics is not None
        try:
            chunks, counts = mcap.statistics_of(mcap.read_at(self._stream, *layout.statistics))
        except FileError as error:
            self.damage = self.damage or str(error)
            return None
        found = int(np.count_nonzero(self._blocks[:, _KIND] == mcap.CHUNK))
        if found != chunks:
            self.damage = self.damage or f'it holds {found} of {chunks} chunks'
        return counts if counts and counts.keys() <= self._channels.keys() else None

    def _counted(self) -> dict[int, int]:
        """Return the messages by channel of a file without a summary, up to its first damage."""
        counts: Counter[int] = Counter()
        try:
            for block in self._blocks:
                counts.update(message.topic for message in self._messages_in(block, None))
        except FileError as error:
            self.damage = self.damage or str(error)
        return counts


def _by_time(layout: mcap.Layout) -> NDArray[np.uint64]:
    """Return the blocks (N, 4) of a file in the order of their first times."""
    blocks = np.array(layout.blocks, dtype=np.uint64).reshape(-1, 4)
    return blocks[np.argsort(blocks[:, _TIME], kind='stable')]
