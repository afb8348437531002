"""The folder of a run, which is resumed only with the configuration that it was started with."""

from collections.abc import Callable
from pathlib import Path

import yaml

from pointpng_core.embedding.model_zoo import model_folder
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io.checkpoints import clean_leftovers
from pointpng_core.training.config import ADJUSTABLE, TrainConfig
from pointpng_core.training.distributed import Processes
from pointpng_core.training.run_state import RunState

CONFIG_FILE = 'config.yaml'


def open_run(config: TrainConfig, run_dir: Path, *, resume: bool, processes: Processes,
             report: Callable[[str], None]) -> RunState:
    """Return the initial state of a new run, or that of the newest intact checkpoint.

    Raises ConfigError for a run that exists already or has another configuration, and FileError
    for a folder that cannot be written.
    """
    started = (run_dir / CONFIG_FILE).exists()
    if started and not resume:
        raise ConfigError(f'{run_dir} contains a training run already: continue with --resume, or '
                          'choose another folder')
    if started:
        _check_same(config, TrainConfig.from_yaml(run_dir / CONFIG_FILE), run_dir)
    processes.wait()  # until all have checked whether the run was started before
    if processes.first:
        _write_config(config, run_dir)
        clean_leftovers(run_dir)
    processes.wait()
    state = RunState(config, processes.device)
    if state.load(run_dir, report):
        report(f'resuming after step {state.step}')
    elif config.init:
        state.start_from(model_folder(config.init))
    return state


def _check_same(config: TrainConfig, started: TrainConfig, run_dir: Path) -> None:
    old, new = _flat(started.to_mapping()), _flat(config.to_mapping())
    changed = [key for key in new if old[key] != new[key] and key not in ADJUSTABLE]
    if changed:
        changes = ', '.join(f'{key} was {old[key]!r}, is {new[key]!r}' for key in changed)
        raise ConfigError(f'{run_dir} was started with another configuration: {changes}; use '
                          'the same one, or another folder (with init, to start from these '
                          'weights)')


def _flat(mapping: dict[str, object], prefix: str = '') -> dict[str, object]:
    rows: dict[str, object] = {}
    for key, value in mapping.items():
        rows |= _flat(value, f'{prefix}{key}.') if isinstance(value, dict) else {
            f'{prefix}{key}': value}
    return rows


def _write_config(config: TrainConfig, run_dir: Path) -> None:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(config.to_mapping(), sort_keys=False)
        (run_dir / CONFIG_FILE).write_text(text, encoding='utf-8')
    except OSError as error:
        raise FileError(f'cannot write into the run folder {run_dir}: '
                        f'{error.strerror or error}; choose another') from error
