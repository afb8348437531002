"""Progress of a training run: a live bar in a terminal, lines of text in a file or pipe."""

from collections.abc import Iterator
from contextlib import contextmanager
import sys
from time import monotonic
from typing import Any

from pointpng_core.cli.output import markup, say, say_on
from pointpng_core.training.metrics_log import Record, Reporter

PARTS = ('loss', 'align', 'cope', 'unif', 'pa', 'ae')


@contextmanager
def make_reporter() -> Iterator[Reporter]:
    """Return the reporter for this terminal, or for a file or pipe."""
    if not sys.stderr.isatty():
        yield LineReporter()
        return
    try:
        from rich.progress import Progress
    except ImportError:
        yield LineReporter()
        return
    with Progress(transient=False) as bar:
        yield LiveReporter(bar)


def described(record: Record) -> str:
    """Return loss parts, PA, AE and throughput as text."""
    parts = [f'{name} {record[name]:.3f}' for name in PARTS if name in record]
    return f'{record["stage"]}  {"  ".join(parts)}  {record["clouds_per_s"]:.0f} clouds/s'


class Eta:
    """Time left, from the steps since the start."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def left(self, step: int, total: int) -> str:
        """Return the time left as h:mm, '-' while it is not known."""
        if self._first is None:
            self._first = step, monotonic()
            return '-'
        begun, since = self._first
        seconds = (total - step) * (monotonic() - since) / max(1, step - begun)
        return f'{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}'


class LineReporter:
    """Prints a line for each report on the standard error."""

    def __init__(self) -> None:
        self._eta, self._told = Eta(), ''

    def line(self, text: str) -> None:
        """Show one sentence."""
        say(text, error=True)

    def progress(self, done: int, total: int, text: str) -> None:
        """Show the beginning of a task, once."""
        if text != self._told:
            self._told = text
            self.line(f'{text} ({total})' if total else text)

    def step(self, record: Record, total: int) -> None:
        """Show the metrics of a step."""
        self.line(f'{record["step"]}/{total}  {described(record)}  '
                  f'{self._eta.left(record["step"], total)} left')


class LiveReporter:
    """A progress bar of rich, sentences above it."""

    def __init__(self, bar: Any) -> None:
        self._bar, self._tasks, self._eta = bar, dict[str, Any](), Eta()

    def line(self, text: str) -> None:
        """Show one sentence above the bar."""
        say_on(self._bar.console, text)

    def progress(self, done: int, total: int, text: str) -> None:
        """Move the bar of something slow."""
        self._bar.update(self._task(text), completed=done, total=total or None)

    def step(self, record: Record, total: int) -> None:
        """Move the bar of the steps."""
        left = self._eta.left(record['step'], total)
        self._bar.update(self._task('steps'), completed=record['step'], total=total,
                         description=f'{described(record)}  {left} left')

    def _task(self, name: str) -> Any:
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(markup(name), total=None)
        return self._tasks[name]
