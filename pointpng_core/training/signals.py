"""Ctrl-C, SIGTERM and a time limit stop a run after the current step, a second signal at once."""

from collections.abc import Iterator
from contextlib import contextmanager
import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_requested(minutes: float | None = None) -> Iterator[threading.Event]:
    """Yield an event that is set by the first signal, or after a number of minutes.

    Signals are handled in the main thread only.
    """
    event = threading.Event()
    timer = threading.Timer(60.0 * (minutes or 0.0), event.set)
    if minutes is not None:
        timer.start()
    try:
        with _signals_set(event):
            yield event
    finally:
        timer.cancel()


@contextmanager
def _signals_set(event: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def request(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {number: signal.signal(number, request) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
