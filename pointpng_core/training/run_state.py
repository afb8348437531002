"""The state of a run: weights, optimiser and step, stored exactly in checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pointpng_core.embedding.networks.factory import Network, make_network
from pointpng_core.errors import FileError
from pointpng_core.io import checkpoints
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.monitors import doubt_about
from pointpng_core.training.objectives import make_task
from pointpng_core.training.optimiser import (
    WeightAverage,
    load_optimiser,
    make_optimiser,
    optimiser_tensors,
)
from pointpng_core.training.schedule import Stage


class RunState:
    """Network, step, and the task and optimiser of the current stage."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        self.model = make_network(config.model).to(device)
        self.average = WeightAverage(self.model, config.ema) if config.ema else None
        self.step = 0
        self.stage = ''
        self.metrics: dict[str, float] = {}
        self.task: nn.Module = self.model
        self.optimiser: torch.optim.AdamW | None = None
        self._pending: dict[str, Tensor] = {}

    def enter(self, stage: Stage) -> torch.optim.AdamW:
        """Start a stage with a new task and optimiser, or resume those of the checkpoint."""
        torch.manual_seed(self.config.seed + 1)
        self.task = make_task(stage.name, self.model, self.config).to(self.device)
        self.optimiser = make_optimiser(self.task, lr=self.config.lr,
                                        weight_decay=self.config.weight_decay)
        if self.stage == stage.name and self._pending:
            self.task.load_state_dict(_with_prefix('task', self._pending))
            load_optimiser(self.optimiser, self.task, _with_prefix('optimiser', self._pending))
        self.stage, self._pending = stage.name, {}
        return self.optimiser

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of the model: their moving average if one is kept."""
        return dict(self.average.tensors if self.average else self.model.state_dict())

    def start_from(self, folder: Path) -> None:
        """Load the weights of another checkpoint of the same shapes; raises FileError."""
        tensors = checkpoints.read_checkpoint(folder).tensors
        _load(self.model, tensors, folder)
        if self.average:
            self.average.load(tensors)

    def save(self, folder: Path, provenance: list[dict[str, Any]], *, resumable: bool = True
             ) -> None:
        """Write a checkpoint, with the trainer's state if `resumable`; raises FileError."""
        config = {'step': self.step, 'stage': self.stage,
                  'model': self.config.model.to_mapping(), 'labels': [],
                  'metrics': self.metrics, 'data': provenance,
                  'recipe': self.config.to_mapping()}
        if doubt := doubt_about(self.metrics):
            config['warning'] = doubt
        checkpoints.write_checkpoint(
            folder, tensors=self.weights(), config=config,
            trainer_tensors=self._trainer_tensors() if resumable else None,
            trainer_state={'step': self.step, 'stage': self.stage} if resumable else None)

    def load(self, run_dir: Path, report: Callable[[str], None]) -> bool:
        """Load the newest intact checkpoint, and return whether there is one. Raises FileError."""
        folder = checkpoints.latest_checkpoint(run_dir, report)
        if folder is None:
            return False
        checkpoint = checkpoints.read_checkpoint(folder)
        tensors, state = checkpoints.read_trainer_state(folder)
        _load(self.model, _with_prefix('model', tensors), folder)
        if self.average:
            self.average.load(checkpoint.tensors)
        self.step, self.stage = int(state['step']), str(state['stage'])
        self.metrics = dict(checkpoint.config.get('metrics', {}))
        self._pending = tensors
        return True

    def _trainer_tensors(self) -> dict[str, Tensor]:
        assert self.optimiser is not None
        parts = {'model': self.model.state_dict(), 'task': self.task.state_dict(),
                 'optimiser': optimiser_tensors(self.optimiser, self.task)}
        return {f'{part}.{name}': tensor for part, tensors in parts.items()
                for name, tensor in tensors.items()}


def _load(model: Network, tensors: dict[str, Tensor], folder: Path) -> None:
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = ' '.join(str(error).split())[:300]
        raise FileError(f'the weights in {folder} do not fit the configuration (model.*) of the '
                        f'run: {reason}') from error


def _with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors named 'prefix.NAME' by NAME."""
    return {name.removeprefix(f'{prefix}.'): tensor for name, tensor in tensors.items()
            if name.startswith(f'{prefix}.')}
