"""Checkpoints of a training run: `RUN/checkpoints/step_00001000`, and `RUN/model` at its end."""

from collections.abc import Callable
from pathlib import Path
import re

from pointpng_core.errors import FileError
from pointpng_core.io.checkpoints.atomic_folder import clean_folder, discard_folder
from pointpng_core.io.checkpoints.checkpoint import verify_checkpoint

CHECKPOINTS = 'checkpoints'
MODEL = 'model'
_STEP = re.compile(r'step_(\d{8,})')


def step_folder(run_dir: str | Path, step: int) -> Path:
    """Return the folder of the checkpoint after `step` steps of a run."""
    return Path(run_dir) / CHECKPOINTS / f'step_{step:08d}'


def latest_checkpoint(run_dir: str | Path,
                      report: Callable[[str], None] | None = None) -> Path | None:
    """Return the newest intact checkpoint of a run; None when there is none.

    Damaged ones are skipped; `report` is called with the reason for each.
    """
    return next(iter(_intact(run_dir, 1, report)), None)


def prune(run_dir: str | Path, keep: int) -> None:
    """Delete checkpoints older than the `keep` (at least 1) newest intact ones; raises FileError.

    Without an intact one nothing is deleted.
    """
    kept = _intact(run_dir, max(1, keep), None)
    if not kept:
        return
    folders = _newest_first(run_dir)
    for folder in folders[folders.index(kept[-1]) + 1:]:
        try:
            discard_folder(folder)
        except OSError as error:
            raise FileError(f'cannot delete the old checkpoint {folder}: '
                            f'{error.strerror or error}') from error


def clean_leftovers(run_dir: str | Path) -> None:
    """Delete the leftovers of killed processes; no other process may be writing there."""
    for folder in (Path(run_dir), Path(run_dir) / CHECKPOINTS):
        clean_folder(folder)


def _intact(run_dir: str | Path, count: int, report: Callable[[str], None] | None) -> list[Path]:
    """Return up to `count` intact checkpoints, the newest first."""
    intact: list[Path] = []
    for folder in _newest_first(run_dir):
        if len(intact) == count:
            break
        try:
            verify_checkpoint(folder)
            intact.append(folder)
        except FileError as error:
            if report is not None:
                report(str(error))
    return intact


def _newest_first(run_dir: str | Path) -> list[Path]:
    folders = [(int(match[1]), folder)
               for folder in (Path(run_dir) / CHECKPOINTS).glob('step_*')
               if (match := _STEP.fullmatch(folder.name))]
    return [folder for _, folder in sorted(folders, reverse=True)]
