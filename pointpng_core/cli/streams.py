"""What becomes of a command whose output goes nowhere: a closed pipe, or a full disk."""

from collections.abc import Callable
import contextlib
import errno
import os
import select
import sys
from typing import TextIO

CLOSED_CODE = 141
"""128 + SIGPIPE, which a shell reports for programs that leave that signal alone. It is not left
alone here: it would also end a node or a worker whose socket is closed by the other side."""
UNWRITABLE_CODE = 1
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def with_streams(run: Callable[[], int]) -> int:
    """Run a command and return its exit code, or the one for an output that cannot be written.

    A closed pipe ends it without a word, a full disk with one line on the standard error.
    """
    try:
        try:
            return run()
        finally:
            for stream in _open_streams():
                stream.flush()           # else Python does it at its end, with a traceback
    except BrokenPipeError:
        if not any(map(_is_closed, _open_streams())):
            raise                        # a socket or a worker of the command
        return _ended(CLOSED_CODE)
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        _try_to_say(f'pointpng: error: cannot write the output: {error.strerror}')
        return _ended(UNWRITABLE_CODE)


def _open_streams() -> list[TextIO]:
    """Return the standard output and error, but for what the shell has closed."""
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def _is_closed(stream: TextIO) -> bool:
    """Return whether a stream is a pipe that nobody reads any more."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):        # it is no file, but what another program put there
        return False


def _try_to_say(line: str) -> None:
    from pointpng_core.cli.output import say
    with contextlib.suppress(OSError):   # where the standard error is what cannot be written
        say(line, error=True)


def _ended(code: int) -> int:
    """Return the code; what the streams still hold is dropped, Python would try it once more."""
    for stream in _open_streams():
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
    return code
