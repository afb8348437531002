"""Progress over many recordings: live bars in a terminal, a line for each in a file or pipe."""

from collections.abc import Iterator
from contextlib import contextmanager
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from pointpng_core.cli.output import markup, say, say_on
from pointpng_core.text import printable

if TYPE_CHECKING:
    from pointpng_core.evaluation.recordings.tasks import Events, Summary, Task


@contextmanager
def make_events() -> 'Iterator[Events]':
    """Return what shows the progress on this terminal, or in a file or pipe."""
    if not sys.stderr.isatty():
        yield LineEvents()
        return
    try:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )
    except ImportError:
        yield LineEvents()
        return
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=4) as bars:
        yield LiveEvents(bars)


def planned_line(tasks: int, kept: int) -> str:
    """Return a line about what is to be done."""
    finished = f', {kept} were finished before' if kept else ''
    return f'{tasks} recordings to process{finished}'


def finished_line(task: 'Task', summary: 'Summary') -> str:
    """Return a line about a recording that was processed."""
    name = printable(task.recording.name)
    if summary['error'] is not None:
        return f'{name}: failed: {printable(summary["error"])}'
    rate = summary['frames'] / max(summary['wall_s'], 1e-9)
    return (f'{name}: {summary["frames"]} clouds, {summary["poses"]} poses, '
            f'{summary["wall_s"]:.1f} s, {rate:.1f} clouds/s')


class LineEvents:
    """Prints a line for each finished recording on the standard error."""

    def __init__(self) -> None:
        self._all, self._done = 0, 0

    def planned(self, tasks: int, kept: int) -> None:
        """Show how many recordings are finished already."""
        self._all = tasks
        say(planned_line(tasks, kept), error=True)

    def started(self, task: 'Task') -> None:
        """Show nothing: several at a time would only confuse."""

    def progress(self, task: 'Task', done: int, total: int) -> None:
        """Show nothing."""

    def finished(self, task: 'Task', summary: 'Summary') -> None:
        """Show the counts or the error of the recording."""
        self._done += 1
        say(f'[{self._done}/{self._all}] {finished_line(task, summary)}', error=True)


class LiveEvents:
    """A bar for all recordings, and one for each that is being processed."""

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._all = bars.add_task('preparing references', total=None)
        self._running = dict[str, Any]()
        self._clouds, self._begun_s = dict[str, int](), monotonic()

    def planned(self, tasks: int, kept: int) -> None:
        """Begin the bar of all recordings."""
        self._bars.update(self._all, description='recordings', completed=kept, total=tasks + kept)

    def started(self, task: 'Task') -> None:
        """Add the bar of a recording."""
        name = task.recording.name
        self._running[name] = self._bars.add_task(markup(name), total=None)

    def progress(self, task: 'Task', done: int, total: int) -> None:
        """Move the bar of a recording, and show the rate over all."""
        name = task.recording.name
        self._clouds[name] = done
        rate = sum(self._clouds.values()) / max(monotonic() - self._begun_s, 1e-9)
        self._bars.update(self._running[name], completed=done, total=total)
        self._bars.update(self._all, description=f'recordings, {rate:.1f} clouds/s')

    def finished(self, task: 'Task', summary: 'Summary') -> None:
        """Replace the bar of a recording by a line."""
        name = task.recording.name
        self._clouds[name] = summary['frames']
        self._bars.remove_task(self._running.pop(name))
        self._bars.advance(self._all)
        say_on(self._bars.console, finished_line(task, summary))
