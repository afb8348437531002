"""One-slot mailboxes between the subscriptions and the worker: the newest item of each wins."""

from dataclasses import dataclass
import threading
import time
from typing import Generic, TypeVar

Item = TypeVar('Item')


@dataclass(kw_only=True)
class _Slot(Generic[Item]):
    item: Item | None = None
    not_before_s: float = 0.0         # time.monotonic(), from the rate limit
    dropped: int = 0
    skipped: int = 0


class Mailbox(Generic[Item]):
    """Holds at most one item a slot; an item that was not taken in time is replaced and counted.

    Slots are served round robin. Where the rate is limited, an item that is replaced before the
    next one of its slot is due was skipped; one that is replaced afterwards was dropped.
    """

    def __init__(self, slots: int = 1) -> None:
        self._changed = threading.Condition()
        self._slots: list[_Slot[Item]] = [_Slot() for _ in range(slots)]
        self._next_slot = 0
        self._closed = False
        self._period_s = 0.0

    @property
    def dropped(self) -> int:
        """Return how many items of all slots were replaced before they were taken."""
        return sum(slot.dropped for slot in self._slots)

    def counts(self, slot: int = 0) -> tuple[int, int]:
        """Return how many items of a slot were dropped, and how many skipped."""
        return self._slots[slot].dropped, self._slots[slot].skipped

    def limit_rate(self, rate_hz: float) -> None:
        """Limit how many items of each slot are taken in a second; 0: no limit."""
        self._period_s = 1.0 / rate_hz if rate_hz else 0.0

    def put(self, item: Item, slot: int = 0) -> None:
        """Store the newest item of a slot, never waits; after `close` items are ignored."""
        with self._changed:
            if self._closed:
                return
            own = self._slots[slot]
            if own.item is not None and time.monotonic() < own.not_before_s:
                own.skipped += 1
            elif own.item is not None:
                own.dropped += 1
            own.item = item
            self._changed.notify()

    def take(self) -> Item | None:
        """Wait for an item that is due and empty its slot; None once the mailbox is closed."""
        with self._changed:
            while not self._closed:
                now_s = time.monotonic()
                if (index := self._due(now_s)) is not None:
                    return self._emptied(index, now_s)
                self._changed.wait(self._wait_s(now_s))
            return None

    def close(self) -> None:
        """Discard what is left and let every waiting `take` return None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _due(self, now_s: float) -> int | None:
        """Return the next slot, round robin, among those with an item that is due."""
        count = len(self._slots)
        order = [(self._next_slot + step) % count for step in range(count)]
        return next((index for index in order if self._slots[index].item is not None
                     and self._slots[index].not_before_s <= now_s), None)

    def _emptied(self, index: int, now_s: float) -> Item | None:
        slot, self._next_slot = self._slots[index], index + 1
        item, slot.item = slot.item, None
        slot.not_before_s = now_s + self._period_s
        return item

    def _wait_s(self, now_s: float) -> float | None:
        """Return the time until the first waiting item is due; None when none is waiting."""
        waits_s = [slot.not_before_s - now_s for slot in self._slots if slot.item is not None]
        return min(waits_s, default=None)
