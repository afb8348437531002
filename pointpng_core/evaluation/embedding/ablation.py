"""Ablation of the loss: many small models, each trained with its own beta and M.

    DIR/mae                          the first stage, which all cells share
    DIR/runs/beta_0.3_M_8            the training run of a cell
    DIR/cells/beta_0.3_M_8.json      the metrics of a cell, which is then not trained again

All cells are measured on the same objects, which are held out from all runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import json
import os
from pathlib import Path
from typing import Any

import torch

from pointpng_core.embedding.model_zoo import EmbeddingModel, load_model
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.evaluation.embedding.labelled_objects import LabelledObjects
from pointpng_core.evaluation.embedding.svm import svm_accuracy
from pointpng_core.io.checkpoints import MODEL
from pointpng_core.io.files import to_jsonable
from pointpng_core.training.batches import held_out
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.data import ObjectSet, cache_folder, load_sources
from pointpng_core.training.embedding_metrics import (
    JITTER,
    Cosines,
    pair_cosines,
    pose_errors_deg,
    rotated_pairs,
)
from pointpng_core.training.metrics_log import NullReporter, Reporter
from pointpng_core.training.point_samples import cloud_points, evenly_spaced, in_batches
from pointpng_core.training.trainer import train

BETAS, NEGATIVES = (0.0, 0.1, 0.3, 0.5, 1.0), (0, 1, 2, 4, 8, 16)
BETA, M = 0.3, 8
"""The value of one while the other is varied: the paper's choice."""
GRIDS = ('one-at-a-time', 'full')
SVM_OBJECTS = 2000
"""Training objects of the SVM at most, so that a cell is measured in seconds."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model of the ablation."""

    beta: float
    negatives: int

    @property
    def name(self) -> str:
        """Return the name of its folder and file."""
        return f'beta_{self.beta:g}_M_{self.negatives}'


def cells_of(betas: Sequence[float], negatives: Sequence[int], grid: str) -> list[Cell]:
    """Return the cells of a grid without repeats: both sweeps, or all combinations."""
    if grid not in GRIDS:
        raise ConfigError(f'grid = {grid!r}: choose one of {", ".join(GRIDS)}')
    if grid == 'full':
        cells = [Cell(beta=beta, negatives=count) for beta in betas for count in negatives]
    else:
        cells = [Cell(beta=beta, negatives=M) for beta in betas]
        cells += [Cell(beta=BETA, negatives=count) for count in negatives]
    if not cells:
        raise ConfigError('the ablation has no cell: name at least one beta or M')
    return list(dict.fromkeys(cells))


def run_ablation(config: TrainConfig, cells: Sequence[Cell], folder: Path, *,
                 reporter: Reporter | None = None,
                 keep: Callable[[dict[str, Any]], None] = lambda result: None) -> dict[str, Any]:
    """Train and measure the cells that are missing in `folder`; an interrupted one is resumed.

    `config` gives everything but beta and M; `keep` is called with the result so far after every
    cell. Returns {"cope", "mae_steps", "png_steps", "seed", "sources", "config": {...},
    "cells": [{"beta", "negatives", "pa", "ae", "cosine_plain", "pairs", "svm_accuracy",
    "pose_median_deg", "pose_15deg"}]}. Raises ConfigError, FileError, TrainingError,
    MissingDependencyError.
    """
    shown = reporter or NullReporter()
    settings = _settings(config)
    results = {cell: _finished(folder, cell, settings) for cell in cells}
    missing = [cell for cell, result in results.items() if result is None]
    if missing:
        sets = load_sources(config.source_configs(), pool=config.pool, seed=config.seed,
                            cache_dir=cache_folder(), progress=shown.progress,
                            report=shown.line)
        parts = held_out(sets, config.validation_share, config.seed)
        if not any(len(objects.points) for objects in parts[1]):
            raise ConfigError(f'validation_share = {config.validation_share} leaves no object to '
                              'validate with; raise it, or give more objects')
        start = _first_stage(config, folder, shown)
        for number, cell in enumerate(missing, start=1):
            shown.line(f'{cell.name}: cell {number} of {len(missing)}')
            run = folder / 'runs' / cell.name
            own = replace(config, beta=cell.beta, negatives=cell.negatives, mae_steps=0,
                          init=start)
            train(own, run, resume=True, reporter=shown)
            metrics = cell_metrics(load_model(run / MODEL, config.device), *parts,
                                   seed=config.seed, device=config.device)
            results[cell] = metrics
            _write(_path(folder, cell), {'settings': settings, 'metrics': metrics})
            keep(_result(settings, results))
    return _result(settings, results)


def _result(settings: dict[str, Any], results: dict[Cell, dict[str, Any] | None]
            ) -> dict[str, Any]:
    return {**settings, 'cells': [
        {'beta': cell.beta, 'negatives': cell.negatives, **metrics}
        for cell, metrics in results.items() if metrics is not None]}


def _settings(config: TrainConfig) -> dict[str, Any]:
    """Return the settings that all cells share, in values that JSON preserves."""
    own: dict[str, Any] = to_jsonable(config.to_mapping())
    for varied in ('beta', 'negatives', 'device', 'threads'):
        del own[varied]
    return {'cope': config.model.cope, 'mae_steps': config.mae_steps,
            'png_steps': config.png_steps, 'seed': config.seed, 'sources': own['sources'],
            'config': own}


def _first_stage(config: TrainConfig, folder: Path, reporter: Reporter) -> str:
    """Train the autoencoder once for all cells; returns the model from which they start."""
    run = folder / 'mae'
    if config.mae_steps == 0:
        return config.init
    if not (run / MODEL).exists():
        reporter.line('masked autoencoding, once for all cells')
        train(replace(config, png_steps=0), run, resume=True, reporter=reporter)
    return str((run / MODEL).resolve())


def _path(folder: Path, cell: Cell) -> Path:
    return folder / 'cells' / f'{cell.name}.json'


def _finished(folder: Path, cell: Cell, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Return the metrics of a finished cell; raises ConfigError for one of other settings."""
    path = _path(folder, cell)
    try:
        kept = json.loads(path.read_text(encoding='utf-8'))
        metrics, found = dict(kept['metrics']), dict(kept['settings'])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(f'{path} is damaged ({error}): delete it, and the cell is measured '
                        'again') from error
    if found != settings:
        changed = sorted(key for key in settings['config']
                         if found.get('config', {}).get(key) != settings['config'][key])
        raise ConfigError(f'{path} was made with other values of {", ".join(changed)}: take the '
                          'same, or another --out')
    return metrics


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix('.part')
        part.write_text(json.dumps(to_jsonable(content), indent=2) + '\n', encoding='utf-8')
        os.replace(part, path)
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def cell_metrics(model: EmbeddingModel, training: Sequence[ObjectSet],
                 validation: Sequence[ObjectSet], *, seed: int, device: str = 'cpu'
                 ) -> dict[str, Any]:
    """Return PA, AE, accuracy and pose error of a model on the validation objects.

    Returns {"pa", "ae", "cosine_plain", "pairs", "pose_median_deg", "pose_15deg" (the share below
    15 degrees), "svm_accuracy" (upright, of the first set with labels; None without)}.
    """
    generator = torch.Generator().manual_seed(seed)
    count = cloud_points(model.encoder)
    pairs = [rotated_pairs(objects.points, count, jitter=JITTER, generator=generator)
             for objects in validation if len(objects.points)]
    errors = torch.cat([pose_errors_deg(model, part, device=device) for part in pairs])
    cosines = Cosines.concatenate([pair_cosines(model, part, device=device) for part in pairs])
    return {**cosines.summary(), 'pose_median_deg': errors.median().item(),
            'pose_15deg': (errors < 15.0).double().mean().item(),
            'svm_accuracy': _accuracy(model, training, validation, seed=seed, device=device)}


def _accuracy(model: EmbeddingModel, training: Sequence[ObjectSet],
              validation: Sequence[ObjectSet], *, seed: int, device: str) -> float | None:
    count = cloud_points(model.encoder)
    labelled = [(train, test) for train, test in zip(training, validation)
                if len(test.points) and (train.labels >= 0).any() and (test.labels >= 0).any()]
    if not labelled:
        return None
    features, labels = [], []
    for objects in labelled[0]:
        part = LabelledObjects.of([objects], split='training')
        part = part.take(evenly_spaced(torch.arange(len(part)), SVM_OBJECTS))
        clouds = part.clouds(count, 'none', generator=torch.Generator())
        features.append(in_batches(model.encoder.features, list(clouds), device=device))
        labels.append(part.labels.numpy())
    train, test = (rows.double().numpy() for rows in features)
    result = svm_accuracy(train, labels[0], test, labels[1], seed=seed)
    return float(result['accuracy'])
