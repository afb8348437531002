"""Single key presses from a terminal, without waiting for the return key."""

import os
import select
import sys
import termios
import tty
from typing import Any


class Keyboard:
    """A context manager; `poll` returns the key pressed since, '' when there is no terminal."""

    def __init__(self) -> None:
        self._saved: list[Any] | None = None

    def __enter__(self) -> 'Keyboard':
        if self.available:
            self._saved = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)     # Ctrl-C still works
        return self

    def __exit__(self, *_: object) -> None:
        if self._saved is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._saved)

    @property
    def available(self) -> bool:
        """Return whether standard input is a terminal that this process may read."""
        if sys.stdin is None or not sys.stdin.isatty():
            return False
        try:
            return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        except OSError:
            return False

    def poll(self) -> str:
        """Return one waiting key or ''."""
        if self._saved is None or not select.select([sys.stdin], [], [], 0)[0]:
            return ''
        return os.read(sys.stdin.fileno(), 1).decode(errors='ignore')
