"""The folder of results: whose turn it is, what is finished, what must be done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import fcntl
import os
from pathlib import Path
import shutil
from typing import Any

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.evaluation.recordings.bag_list import Recording
from pointpng_core.evaluation.recordings.parquet import parquet_path, write_parquet
from pointpng_core.evaluation.recordings.result_file import read_ends
from pointpng_core.evaluation.recordings.tasks import Summary, Task

SUFFIX = '.jsonl'
LOCK = '.pointpng-frames.lock'
PART = 'tmp*.part'
"""What `atomic_write` names the folders of unfinished files."""
SHOWN = 3
SHOWN_AS = {'only_frames': '--frames', 'only_topic': '--topic', 'viewpoint': '--viewpoint',
            'camera_info': '--camera-info', 'depth_scale': '--depth-scale',
            'bag_bytes': 'size of the bag'}
"""What messages call the keys of a header."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The tasks, and the summaries of those that were finished before."""

    tasks: list[Task]
    kept: list[tuple[Task, Summary]]


@contextmanager
def opened(out: Path, recordings: Sequence[Recording]) -> Iterator[None]:
    """Make the folder, for one process at a time, and remove what is unfinished in it.

    Raises FileError.
    """
    if os.path.isfile(out):
        raise FileError(f'cannot write into {out}: it is a file; name a folder with --out')
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / LOCK).open('w')
    except OSError as error:
        raise FileError(f'cannot write into {out}: {error.strerror or error}') from error
    with lock:
        _lock(out, lock)
        _remove_parts(out, recordings)  # of a process that was killed
        try:
            yield
        finally:
            _remove_parts(out, recordings)


def target_of(recording: Recording, out: Path) -> Path:
    """Return the file of JSON lines of a recording."""
    return out / f'{recording.name}{SUFFIX}'


def plan(recordings: Sequence[Recording], out: Path, provenance: dict[str, Any], *,
         overwrite: bool, parquet: bool) -> Plan:
    """Compare what is in the folder with what is wanted.

    A file is kept when library, model, options and the size of the bag are the same, and the bag
    was processed to its end. Raises ConfigError for a file with other results unless `overwrite`.
    """
    todo: list[Task] = []
    kept: list[tuple[Task, Summary]] = []
    obstacles: list[str] = []
    for recording in recordings:
        task = Task(recording=recording, target=target_of(recording, out), parquet=parquet)
        if not task.target.exists():
            todo.append(task)
            continue
        difference, summary = _compared(task, provenance)
        if difference:
            obstacles.append(f'{task.target} ({difference})')
        if difference or summary['error'] is not None:
            todo.append(task)
        else:
            kept.append((task, summary))
    if obstacles and not overwrite:
        more = f' and {len(obstacles) - SHOWN} more' if len(obstacles) > SHOWN else ''
        raise ConfigError(f'other results are there: {", ".join(obstacles[:SHOWN])}{more}; '
                          'replace them with --overwrite, or name another folder with --out')
    return Plan(tasks=todo, kept=kept)


def complete_parquet(kept: Sequence[tuple[Task, Summary]]) -> None:
    """Write the Parquet files that finished recordings lack; raises FileError."""
    for task, _ in kept:
        if task.parquet and not parquet_path(task.target).exists():
            write_parquet(task.target)


def _compared(task: Task, provenance: dict[str, Any]) -> tuple[str, Summary]:
    """Return what is different ('' for nothing), and the summary of the file."""
    try:
        header, summary = read_ends(task.target)
    except FileError:
        return 'not written by `pointpng frames`', {}
    summary.pop('record')  # the summaries of new results have none
    wanted = {**provenance, 'bag_bytes': task.recording.size_bytes}
    names = [SHOWN_AS.get(name, name) for name, value in wanted.items()
             if name != 'digest' and header.get(name) != value]
    if not names and header.get('digest') != provenance['digest']:
        names = ['configuration or weights']
    return (f'another {", ".join(names)}' if names else ''), summary


def _lock(out: Path, lock: Any) -> None:
    """Raise FileError when another process uses the folder."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FileError(f'another `pointpng frames` writes into {out}; wait for its end, or name '
                        'another folder with --out') from error
    except OSError:
        pass  # a file system without locks


def _remove_parts(out: Path, recordings: Sequence[Recording]) -> None:
    """Remove the folders of unfinished files of these recordings, and nothing else."""
    targets = [target_of(recording, out) for recording in recordings]
    names = {path.name for target in targets for path in (target, parquet_path(target))}
    for folder in {target.parent for target in targets}:
        for part in folder.glob(PART):
            if {path.name for path in part.iterdir()} <= names:
                shutil.rmtree(part, ignore_errors=True)
