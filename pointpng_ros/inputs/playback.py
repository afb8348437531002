"""Plays recorded items at their recorded pace, with rate, loop and pause; without ROS."""

from collections.abc import Callable, Iterable
import threading
import time
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Playback(Generic[Item]):
    """Plays (time in ns, item) pairs to `emit`; `run` in one thread, the rest from any.

    `items` starts the recording from its beginning each time it is called. `rate` 2.0 plays twice
    as fast. With `loop` the recording starts again behind its end.
    """

    def __init__(self, items: Callable[[], Iterable[tuple[int, Item]]],
                 emit: Callable[[Item], None], *, rate: float = 1.0, loop: bool = False,
                 paused: bool = False) -> None:
        self._items = items
        self._emit = emit
        self._rate = rate
        self._loop = loop
        self._changed = threading.Condition()
        self._paused = paused
        self._stopped = False
        self._due_s = 0.0
        self.emitted = 0

    @property
    def paused(self) -> bool:
        """Return whether the playback is paused."""
        return self._paused

    def pause(self, paused: bool) -> None:
        """Pause or resume; what was due is emitted after the rest of its waiting time."""
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    def stop(self) -> None:
        """Let `run` return soon."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def run(self) -> None:
        """Play to the end, or until stopped."""
        self._due_s = time.monotonic()
        while self._play_once() and self._loop:
            pass

    def _play_once(self) -> bool:
        """Return whether anything was played to its end."""
        previous_ns: int | None = None
        for time_ns, item in self._items():
            gap_ns = 0 if previous_ns is None else time_ns - previous_ns
            self._due_s += max(gap_ns, 0) / 1e9 / self._rate
            previous_ns = time_ns
            if not self._wait_until_due():
                return False
            self._emit(item)
            self.emitted += 1
        return previous_ns is not None

    def _wait_until_due(self) -> bool:
        """Wait for the time of the next item, longer while paused; False when stopped."""
        with self._changed:
            while not self._stopped:
                if self._paused:
                    self._wait_while_paused()
                    continue
                left_s = self._due_s - time.monotonic()
                if left_s <= 0:
                    return True
                self._changed.wait(left_s)
            return False

    def _wait_while_paused(self) -> None:
        began_s = time.monotonic()
        self._changed.wait_for(lambda: self._stopped or not self._paused)
        self._due_s += time.monotonic() - began_s
