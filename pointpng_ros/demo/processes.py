"""Child processes that never outlive the demo; when one fails, its last output is shown."""

from collections.abc import Mapping, Sequence
import contextlib
import ctypes
from dataclasses import dataclass
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import IO

from pointpng_core.errors import PointPngError
from pointpng_core.text import printable

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_STOP_TIMEOUTS_S = ((signal.SIGINT, 5.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0))
_TAIL_LINES = 15


class ChildError(PointPngError):
    """A process of the demo that ended by itself; the text holds lines of its output."""

    def __str__(self) -> str:
        return printable(Exception.__str__(self), lines=True)


@dataclass(frozen=True, kw_only=True)
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def last_output(self) -> str:
        """Return the last lines of its output."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors='replace').splitlines()
        return '\n'.join(lines[-_TAIL_LINES:])


class Children:
    """Starts Python modules of this package as processes; leaving the context stops them all."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        source = str(Path(__file__).resolve().parents[2])
        paths = filter(None, (source, environment.get('PYTHONPATH', '')))
        self._environment = {**environment, 'PYTHONPATH': os.pathsep.join(paths)}
        self._children: list[_Child] = []

    def __enter__(self) -> 'Children':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.stop()

    def start(self, name: str, module: str, arguments: Sequence[str] = ()) -> int:
        """Start `python -m module arguments`; returns its id."""
        errors = tempfile.TemporaryFile()                      # noqa: SIM115 (lives as the child)
        process = subprocess.Popen(
            [sys.executable, '-m', module, *arguments], env=self._environment,
            stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
            start_new_session=True, preexec_fn=_die_with_parent)  # noqa: PLW1509
        self._children.append(_Child(name=name, process=process, errors=errors))
        return process.pid

    def running(self) -> bool:
        """Return whether all still run; raises ChildError with the output of a failed one."""
        codes = [child.process.poll() for child in self._children]
        for child, code in zip(self._children, codes):
            if code:
                raise ChildError(f'{child.name} ended with code {code}; its last output:\n'
                                 f'{child.last_output()}')
        return all(code is None for code in codes)

    def report(self) -> str:
        """Return what every child wrote last, for the error message of a run without frames."""
        return '\n'.join(f'--- {child.name}:\n{child.last_output()}' for child in self._children)

    def stop(self, name: str | None = None) -> None:
        """Stop the children of a name, or all: SIGINT, SIGTERM, then SIGKILL; wait for them."""
        ending = [child for child in self._children if name in (None, child.name)]
        for number, timeout_s in _STOP_TIMEOUTS_S:
            for child in ending:
                if child.process.poll() is None:
                    child.process.send_signal(number)
            for child in ending:
                _wait(child.process, timeout_s)
        for child in ending:
            child.errors.close()
            self._children.remove(child)


def _wait(process: 'subprocess.Popen[bytes]', timeout_s: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout_s)


def _die_with_parent() -> None:
    """Let the Linux kernel end the child when the demo is killed outright.

    Runs between fork and exec, where only a call into an already loaded library is safe.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
