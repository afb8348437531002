"""The recipe: two stages, one loop.

    config = TrainConfig(sources=('bags/table.mcap', 'modelnet10.npz,weight=2'))
    train(config, Path('runs/mine'))

`pointpng train` is this with a progress bar; `torchrun -m pointpng_core.cli.train` starts it
on several GPUs or hosts.
"""

from contextlib import nullcontext
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import nn

from pointpng_core.errors import TrainingError
from pointpng_core.io.checkpoints import MODEL, prune, step_folder
from pointpng_core.training.batches import ObjectSampler, held_out, step_generator
from pointpng_core.training.collapse import CollapseWatch
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.data import cache_folder, load_sources
from pointpng_core.training.distributed import Processes, joined
from pointpng_core.training.finite_check import StepWatch
from pointpng_core.training.metrics_log import MetricsLog, NullReporter, Reporter, Speedometer
from pointpng_core.training.objectives import Parts, make_batch
from pointpng_core.training.optimiser import set_rate
from pointpng_core.training.plots import plot_curves
from pointpng_core.training.run_folder import open_run
from pointpng_core.training.run_state import RunState
from pointpng_core.training.schedule import PNG, Stage, learning_rate, stages
from pointpng_core.training.signals import StopRequest, TimeUp, stop_requested
from pointpng_core.training.validation import Validation


def train(config: TrainConfig, run_dir: Path, *, resume: bool = False,
          reporter: Reporter | None = None, minutes: float | None = None) -> dict[str, float]:
    """Train, or go on training, in a run folder; returns the last validation's metrics.

    The model is `run_dir/model` at the end, and each checkpoint on the way. After `minutes`, which
    are not part of the configuration, the run saves a checkpoint and raises TimeUp; after Ctrl-C
    it does the same with KeyboardInterrupt. Several processes stop after the same step, one at
    which metrics are logged. Raises ConfigError, FileError, or TrainingError for a loss that is no
    number.
    """
    with joined(config.device) as processes:
        shown = reporter if reporter and processes.first else NullReporter()
        if config.threads:
            torch.set_num_threads(config.threads)
        sets = load_sources(config.source_configs(), pool=config.pool, seed=config.seed,
                            cache_dir=cache_folder(), progress=shown.progress,
                            report=shown.line)
        state = open_run(config, run_dir, resume=resume, processes=processes, report=shown.line)
        training, validation = held_out(sets, config.validation_share, config.seed)
        trainer = _Trainer(
            state=state, run_dir=run_dir, processes=processes, reporter=shown,
            sampler=ObjectSampler(training, processes.device),
            validation=Validation(validation, config, processes.device),
            provenance=[objects.provenance for objects in sets])
        return trainer.run(minutes)


class _Trainer:
    def __init__(self, *, state: RunState, run_dir: Path, processes: Processes,
                 reporter: Reporter, sampler: ObjectSampler, validation: Validation,
                 provenance: list[dict[str, Any]]) -> None:
        self._state, self._config, self._run_dir = state, state.config, run_dir
        self._processes, self._reporter, self._sampler = processes, reporter, sampler
        self._validation, self._provenance = validation, provenance
        self._log = MetricsLog(run_dir, state.step) if processes.first else None
        self._watch = CollapseWatch(self._config.negatives)
        self._speed, self._saved_at = Speedometer(), monotonic()
        self._steps, self._waits = StepWatch(), waits_each_step(processes.device)

    def run(self, minutes: float | None) -> dict[str, float]:
        state = self._state
        with stop_requested(minutes) as stop:
            for stage in stages(self._config):
                if state.step < stage.stop:
                    self._run_stage(stage, stop)
        if self._processes.first:
            state.save(self._run_dir / MODEL, self._provenance, resumable=False)
            plot_curves(self._run_dir)
        return state.metrics

    def _run_stage(self, stage: Stage, stop: StopRequest) -> None:
        state, config = self._state, self._config
        optimiser = state.enter(stage)
        task = self._processes.wrap(state.task)
        if config.compile:
            task.compile()
        while state.step < stage.stop:
            rate = learning_rate(state.step, stage, config)
            set_rate(optimiser, rate)
            parts = self._step(task, optimiser, stage.progress(state.step))
            state.step += 1
            if state.step % config.log_every == 0 or state.step == stage.stop:
                self._tell(parts, rate)
            last = state.step == stage.stop
            if last or state.step % config.validate_every == 0:
                self._validate()
            ends = self._ends(stop)
            if last or self._is_due() or ends:
                self._save()
            if ends:
                self._reporter.line(f'stopped after step {state.step}; go on with --resume')
                raise KeyboardInterrupt if stop.signalled else TimeUp

    def _ends(self, stop: StopRequest) -> bool:
        """Return whether to stop now; several processes agree where losses are read anyway."""
        if self._processes.count == 1:
            return stop.is_set()
        return (self._state.step % self._config.log_every == 0
                and self._processes.any(stop.is_set()))

    def _step(self, task: nn.Module, optimiser: torch.optim.AdamW, progress: float) -> Parts:
        """Take one step; raises TrainingError when loss or gradients are no numbers."""
        config, parts = self._config, {}
        for turn in range(config.accumulate):
            generator = step_generator(config.seed, self._state.step * config.accumulate + turn,
                                       self._processes.rank, self._processes.device)
            objects = self._sampler.draw(config.batch, generator)
            batch = make_batch(objects, config, generator)
            # Gradients travel between processes once a step, with the last of its batches.
            waiting = turn + 1 < config.accumulate and hasattr(task, 'no_sync')
            with task.no_sync() if waiting else nullcontext():  # type: ignore[operator]
                parts = task(batch, generator, progress)
                (parts['loss'] / config.accumulate).backward()
            self._speed.count(batch.clouds_read * self._processes.count)
        norm = nn.utils.clip_grad_norm_(self._state.task.parameters(), config.clip)
        self._steps.add(self._state.step + 1, parts['loss'], norm)
        if self._waits or (self._state.step + 1) % config.log_every == 0:
            self._check()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if self._state.average:
            self._state.average.update(self._state.model)
        return parts

    def _check(self) -> None:
        bad = self._steps.read()
        if bad:
            raise TrainingError(
                f'step {bad.step}: the loss is {bad.loss}, its gradient {bad.norm} long; '
                f'the last checkpoint in {self._run_dir} is untouched. Lower lr (now '
                f'{self._config.lr}) or raise tau (now {self._config.tau}), then --resume')

    def _tell(self, parts: Parts, rate: float) -> None:
        state = self._state
        values = {name: float(value.detach()) for name, value in parts.items()}
        record = {'step': state.step, 'stage': state.stage, 'lr': rate, **values,
                  'clouds_per_s': self._speed.read()}
        self._add(record)
        self._reporter.step(record, self._config.steps)
        if state.stage == PNG and 'ae' in values:
            warning = self._watch.warning(cope=values['cope'], ae=values['ae'])
            if warning:
                self._reporter.line(f'step {state.step}: {warning}')

    def _validate(self) -> None:
        state = self._state
        metrics = self._validation.measure(state.stage, state.task, state.model)
        state.metrics.update(metrics)
        self._add({'step': state.step, 'stage': state.stage, **metrics})
        self._reporter.line(f'step {state.step}, held-out objects: ' + ', '.join(
            f'{name.removeprefix("val_")} {value:.3f}' for name, value in metrics.items()))

    def _add(self, record: dict[str, Any]) -> None:
        if self._log is not None:
            self._log.add(record)

    def _is_due(self) -> bool:
        config = self._config
        return (self._state.step % config.checkpoint_every == 0
                or monotonic() - self._saved_at > 60.0 * config.checkpoint_minutes)

    def _save(self) -> None:
        self._check()
        self._saved_at = monotonic()
        if not self._processes.first or self._state.optimiser is None:
            return
        self._state.save(step_folder(self._run_dir, self._state.step), self._provenance)
        prune(self._run_dir, self._config.keep)
        plot_curves(self._run_dir)


def waits_each_step(device: torch.device) -> bool:
    """Tell whether every step's loss is read before the next; a GPU would stand still for it."""
    return device.type == 'cpu'
