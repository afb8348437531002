"""A fuzzer: a reader gets many inputs in a child process, with limits of memory and of time.

A reader takes one input, checks what it made of it, and returns; it raises an error of the
package for an input that it refuses. Anything else is a failure: another exception, a failed
assertion, a crash of the process, too much memory, too much time, an endless message.

    report = fuzz(reader, mutated([valid_bytes]), inputs=inputs, name='ply')
    report.check()

The input of each kind of failure is kept in a file, and `report.check()` names it: to replay it,
give its bytes to the reader.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
import faulthandler
import multiprocessing
from multiprocessing.connection import Connection
import os
from pathlib import Path
import resource
import sys
import tempfile
import time
import traceback
from typing import Any, NoReturn

import pytest
import threadpoolctl

from pointpng_core.errors import PointPngError

Reader = Callable[[Any], object]
MEMORY_BYTES, LIMIT_S = 1 << 30, 30.0
MOST_MESSAGE_CHARACTERS = 2000
MOST_FAILURES = 200
REFUSED, ACCEPTED = 'refused', 'accepted'
KEPT = Path(tempfile.gettempdir()) / 'pointpng_fuzzing'
SHORT_INPUTS, LONG_INPUTS = 300, 20_000

each_size = pytest.mark.parametrize('inputs', [
    SHORT_INPUTS,
    pytest.param(LONG_INPUTS, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
"""Gives a test the number of inputs: a few hundred, and 20,000 in `make test-slow`."""


@dataclass
class Report:
    """What became of the inputs; `failures` by what failed: (count, file of the first input)."""

    name: str
    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    failures: dict[str, tuple[int, Path]] = field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        failed = sum(count for count, _ in self.failures.values())
        return (f'fuzzed {self.name}: {self.inputs} inputs, {self.refused} refused, '
                f'{self.accepted} accepted and verified, {failed} failures, {self.seconds:.0f} s')

    def check(self) -> None:
        """Fail the test when an input failed, or when none was accepted or none refused."""
        print(self)                     # shown by pytest -rP: the figures of the documentation
        assert not self.failures, '\n'.join([str(self), *(
            f'{count} x {what}\n    kept: {path}' for what, (count, path)
            in self.failures.items())])
        assert self.accepted, f'{self}: a test of one outcome says nothing'
        assert self.refused, f'{self}: a test of one outcome says nothing'


def fuzz(reader: Reader, make: Callable[[int], Any], *, inputs: int, name: str, valid: int = 1,
         memory_bytes: int = MEMORY_BYTES, limit_s: float = LIMIT_S) -> Report:
    """Give a reader the inputs make(0), make(1), ...; the first `valid` must be accepted.

    `memory_bytes` is what the child may map beyond what is mapped at its start. After a crash, a
    new child goes on with the next input.
    """
    report, started_s = Report(name), time.monotonic()
    while report.inputs < inputs and len(report.failures) < MOST_FAILURES:
        _run_child(reader, make, inputs, valid, memory_bytes, limit_s, report)
    report.seconds = time.monotonic() - started_s
    return report


def file_reader(read: Callable[[Path], object], name: str) -> Reader:
    """Return the reader of bytes that writes them to a file `name`, and gives its path."""
    def reader(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(data)
            read(path)
    return reader


def _run_child(reader: Reader, make: Callable[[int], Any], inputs: int, valid: int,
               memory_bytes: int, limit_s: float, report: Report) -> None:
    """Go on behind the last input until all are done or the child ends; notes each outcome."""
    # Forked: a reader may be any function, and what it imports is there already.
    receive, send = multiprocessing.Pipe(duplex=False)
    first = report.inputs
    pid = os.fork()
    if pid == 0:
        _child(reader, make, range(first, inputs), valid, memory_bytes, send)
    send.close()
    try:
        while report.inputs < inputs:
            outcome = _next_outcome(receive, pid, limit_s)
            _note(report, outcome, make)
            if outcome.startswith('process'):
                break
    finally:
        receive.close()
        _end(pid)


def _next_outcome(receive: Connection, pid: int, limit_s: float) -> str:
    if not receive.poll(limit_s):
        return f'process took more than {limit_s:g} s'
    try:
        return str(receive.recv())
    except EOFError:
        _, status = os.waitpid(pid, 0)
        return f'process ended with {os.waitstatus_to_exitcode(status)}'


def _end(pid: int) -> None:
    try:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass                            # it has ended, and was waited for


def _note(report: Report, outcome: str, make: Callable[[int], Any]) -> None:
    index = report.inputs
    report.inputs += 1
    if outcome == REFUSED:
        report.refused += 1
    elif outcome == ACCEPTED:
        report.accepted += 1
    else:
        count, path = report.failures.get(outcome, (0, None))
        report.failures[outcome] = count + 1, path or _keep(report.name, index, make(index))


def _keep(name: str, index: int, data: Any) -> Path:
    KEPT.mkdir(exist_ok=True)
    path = KEPT / f'{name.replace("/", "_").replace(" ", "_")}_{index}'
    path.write_bytes(data if isinstance(data, bytes) else repr(data).encode())
    return path


def _child(reader: Reader, make: Callable[[int], Any], indices: range, valid: int,
           memory_bytes: int, send: Connection) -> NoReturn:
    """Read one input after the other and send what became of it; never returns."""
    try:
        _silence()
        _one_thread()
        limit = _mapped_bytes() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for index in indices:
            outcome = _outcome(reader, make(index))
            if outcome.startswith(REFUSED):
                outcome = REFUSED if index >= valid else f'valid input {outcome}'
            send.send(outcome)
    finally:
        os._exit(1)                     # nothing of the test runner is to run here


def _one_thread() -> None:
    """Use no pool of threads: those of the parent do not exist in a forked child, which waits."""
    for name in ('torch', 'cv2'):
        module = sys.modules.get(name)
        if module is not None:
            getattr(module, 'set_num_threads', getattr(module, 'setNumThreads', None))(1)
    threadpoolctl.threadpool_limits(1)


def _silence() -> None:
    """Send what native code prints to nowhere, and write no traces of crashes."""
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _mapped_bytes() -> int:
    return int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()


def _outcome(reader: Reader, data: Any) -> str:
    try:
        reader(data)
    except PointPngError as error:
        message = str(error)
        return (f'{REFUSED}: {message}' if len(message) <= MOST_MESSAGE_CHARACTERS else
                f'message of {len(message)} characters: {message[:200]}')
    except BaseException as error:      # whatever it is, the fuzzer reports it
        return _where(error)
    return ACCEPTED


def _where(error: BaseException) -> str:
    """Return type, place and beginning of an exception: what failures are told apart by."""
    places = traceback.extract_tb(error.__traceback__)[1:]
    trail = ' < '.join(f'{Path(each.filename).name}:{each.lineno}'
                       for each in reversed(places[-4:]))
    return f'{type(error).__name__} at {trail}: {str(error)[:100]}'
