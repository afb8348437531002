"""Training within the minutes of a call, going on where the last call stopped."""

from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from pointpng_core.evaluation.device.packing import packed_sources
from pointpng_core.evaluation.embedding.recipes import load_recipe
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.metrics_log import Reporter
from pointpng_core.training.trainer import train

CHECKPOINT_MINUTES = 1.5


def session_config(recipe: str, data: Path, device: torch.device, **changes: Any) -> TrainConfig:
    """Return a recipe for the packed data on a device; its pool is what the data have.

    Raises ConfigError, FileError.
    """
    config = load_recipe(recipe)
    sources = packed_sources(data)
    return replace(config, sources=sources, device=str(device),
                   pool=max(config.model.points, changes.pop('pool', config.pool)),
                   checkpoint_minutes=CHECKPOINT_MINUTES, **changes)


def train_for(config: TrainConfig, run_dir: Path, minutes: float, reporter: Reporter) -> bool:
    """Train, or go on, for some minutes; tell whether the run is complete.

    Raises what `train` does; Ctrl-C ends the call.
    """
    end = monotonic() + 60.0 * minutes
    try:
        train(config, run_dir, resume=True, reporter=reporter, minutes=minutes)
    except KeyboardInterrupt:
        if monotonic() < end:
            raise
        return False
    return True
