"""Ctrl-C, SIGTERM and a time limit let the step finish; a second signal ends it at once."""

from collections.abc import Iterator
from contextlib import contextmanager
import signal
import threading
from time import monotonic
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class TimeUp(KeyboardInterrupt):
    """The minutes of a training run have passed; its state is saved, and it can be resumed."""


class StopRequest:
    """Whether a run should stop after the current step: a signal arrived, or its time is up."""

    def __init__(self, minutes: float | None = None) -> None:
        self._signalled = threading.Event()
        self._end_s = None if minutes is None else monotonic() + 60.0 * minutes

    @property
    def signalled(self) -> bool:
        """Return whether a signal has asked the run to stop."""
        return self._signalled.is_set()

    def is_set(self) -> bool:
        """Return whether the run should stop."""
        return self.signalled or (self._end_s is not None and monotonic() >= self._end_s)

    def request(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: the first one asks the run to stop, the next one interrupts it."""
        if self.signalled:
            raise KeyboardInterrupt
        self._signalled.set()


@contextmanager
def stop_requested(minutes: float | None = None) -> Iterator[StopRequest]:
    """Give a request that the first signal sets, or the end of `minutes` from now on.

    Only the main thread can listen to signals.
    """
    stop = StopRequest(minutes)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.request) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
