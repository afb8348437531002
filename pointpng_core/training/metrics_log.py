"""Metrics of a run: reported while it runs, and written to `metrics.jsonl` and TensorBoard."""

from collections.abc import Iterable
import json
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from pointpng_core.errors import FileError
from pointpng_core.io.files import to_jsonable

METRICS_FILE = 'metrics.jsonl'
Record = dict[str, Any]


class Reporter(Protocol):
    """Shows a run to the user; the trainer itself prints nothing."""

    def line(self, text: str) -> None:
        """Show a message."""

    def progress(self, done: int, total: int, text: str) -> None:
        """Show the progress of a slow operation."""

    def step(self, record: Record, total: int) -> None:
        """Show the metrics of a step of `total`."""


class NullReporter:
    """A reporter that does nothing."""

    def line(self, text: str) -> None:
        """Do nothing."""

    def progress(self, done: int, total: int, text: str) -> None:
        """Do nothing."""

    def step(self, record: Record, total: int) -> None:
        """Do nothing."""


class MetricsLog:
    """`metrics.jsonl` of a run, one JSON object a line, and TensorBoard if it is installed.

    Lines after `step` are dropped first: a resumed run writes them again.
    """

    def __init__(self, run_dir: Path, step: int) -> None:
        self._path = run_dir / METRICS_FILE
        kept = [record for record in read_metrics(run_dir) if record['step'] <= step]
        self._write(kept, 'w')
        self._board = _tensorboard(run_dir)

    def add(self, record: Record) -> None:
        """Append a record; raises FileError."""
        self._write([record], 'a')
        if self._board is not None:
            for name, value in record.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(name, value, record['step'])

    def _write(self, records: Iterable[Record], mode: str) -> None:
        text = ''.join(json.dumps(to_jsonable(record)) + '\n' for record in records)
        try:
            with self._path.open(mode, encoding='utf-8') as file:
                file.write(text)
        except OSError as error:
            raise FileError(f'cannot write {self._path}: {error.strerror or error}; the newest '
                            'checkpoint is intact, continue with --resume') from error


def read_metrics(run_dir: Path) -> list[Record]:
    """Return the records of a run up to the first truncated line."""
    path, records = run_dir / METRICS_FILE, []
    for line in path.read_text(encoding='utf-8').splitlines() if path.exists() else []:
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    return records


class ThroughputMeter:
    """Clouds per second since the last reading."""

    def __init__(self) -> None:
        self._clouds, self._since = 0, perf_counter()

    def count(self, clouds: int) -> None:
        """Add the clouds of a step."""
        self._clouds += clouds

    def read(self) -> float:
        """Return clouds per second, and restart."""
        clouds, since = self._clouds, self._since
        self._clouds, self._since = 0, perf_counter()
        return clouds / max(1e-9, self._since - since)


def _tensorboard(run_dir: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(run_dir / 'tensorboard'))
