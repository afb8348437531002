"""The thread that turns clouds into poses, so that the executor never waits for inference."""

from collections.abc import Callable
import threading
from typing import Generic, TypeVar

from pointpng_ros.health.lifetime import THREAD_PREFIX
from pointpng_ros.inputs.mailbox import Mailbox

Item = TypeVar('Item')


class Worker(Generic[Item]):
    """Hands every item of a mailbox to `handle` in a thread of its own.

    What `handle` raises goes to `on_error`, with the item; the thread goes on with the next one.
    """

    def __init__(self, mailbox: Mailbox[Item], handle: Callable[[Item], None],
                 on_error: Callable[[Item, Exception], None]) -> None:
        self._mailbox = mailbox
        self._handle = handle
        self._on_error = on_error
        self._thread = threading.Thread(target=self._run, name=f'{THREAD_PREFIX}worker',
                                        daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Close the mailbox and wait for the item in work; False when it takes longer."""
        self._mailbox.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (item := self._mailbox.take()) is not None:
            try:
                self._handle(item)
            except Exception as error:      # a single cloud must not end the stream
                self._on_error(item, error)
