"""From a run to the exit code of its command."""

from collections.abc import Callable

from rich.console import Console

from pointpng_core.errors import PointPngError
from pointpng_ros.demo.summary import Summary

PASSED, FAILED, INTERRUPTED = 0, 1, 130


def exit_code(command: str, perform: Callable[[], Summary]) -> int:
    """0 when `passed` is true in the summary, 1 when not or after an error, 130 after Ctrl-C."""
    try:
        summary = perform()
    except PointPngError as error:
        Console(stderr=True).print(f'{command}: {error}', highlight=False, markup=False,
                                     soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return PASSED if summary['passed'] else FAILED
