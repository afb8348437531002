"""The training loop of both stages.

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
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.data import cache_folder, load_sources
from pointpng_core.training.distributed import Processes, process_group
from pointpng_core.training.learning_curves import plot_curves
from pointpng_core.training.metrics_log import MetricsLog, NullReporter, Reporter, ThroughputMeter
from pointpng_core.training.monitors import CollapseMonitor, FiniteMonitor, doubt_about
from pointpng_core.training.objectives import LossTerms, make_batch
from pointpng_core.training.optimiser import set_learning_rate
from pointpng_core.training.run_folder import open_run
from pointpng_core.training.run_state import RunState
from pointpng_core.training.schedule import PNG, Stage, learning_rate, stages
from pointpng_core.training.signals import StopRequest, TimeUp, stop_requested
from pointpng_core.training.validation import Validation


def train(config: TrainConfig, run_dir: Path, *, resume: bool = False,
          reporter: Reporter | None = None, minutes: float | None = None) -> dict[str, float]:
    """Train or resume training in a run folder, and return the metrics of the last validation.

    Checkpoints are written to the run folder, and the final model to `run_dir/model`. After
    `minutes`, which are not part of the configuration, a run saves a checkpoint and raises TimeUp;
    after Ctrl-C it does the same with KeyboardInterrupt. Several processes stop after the same
    step, one at which metrics are logged. Raises ConfigError, FileError, or TrainingError for a
    loss that is not finite.
    """
    with process_group(config.device) as processes:
        reporter = reporter if reporter and processes.first else NullReporter()
        if config.threads:
            torch.set_num_threads(config.threads)
        sets = load_sources(config.source_configs(), pool=config.pool, seed=config.seed,
                            cache_dir=cache_folder(), progress=reporter.progress,
                            report=reporter.line)
        state = open_run(config, run_dir, resume=resume, processes=processes, report=reporter.line)
        training, validation = held_out(sets, config.validation_share, config.seed)
        trainer = _Trainer(
            state=state, run_dir=run_dir, processes=processes, reporter=reporter,
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
        self._collapse = CollapseMonitor(self._config.negatives)
        self._throughput, self._saved_at = ThroughputMeter(), monotonic()
        self._finite = FiniteMonitor()
        self._check_every_step = checks_every_step(processes.device)

    def run(self, minutes: float | None) -> dict[str, float]:
        state = self._state
        with stop_requested(minutes) as stop:
            for stage in stages(self._config):
                if state.step < stage.stop:
                    self._run_stage(stage, stop)
        if self._processes.first:
            state.save(self._run_dir / MODEL, self._provenance, resumable=False)
            plot_curves(self._run_dir)
            if doubt := doubt_about(state.metrics):
                self._reporter.line(f'warning: {doubt}')
        return state.metrics

    def _run_stage(self, stage: Stage, stop: StopRequest) -> None:
        state, config = self._state, self._config
        optimiser = state.enter(stage)
        task = self._processes.wrap(state.task)
        if config.compile:
            task.compile()
        while state.step < stage.stop:
            rate = learning_rate(state.step, stage, config)
            set_learning_rate(optimiser, rate)
            terms = self._step(task, optimiser, stage.progress(state.step))
            state.step += 1
            if state.step % config.log_every == 0 or state.step == stage.stop:
                self._log_step(terms, rate)
            last = state.step == stage.stop
            if last or state.step % config.validate_every == 0:
                self._validate()
            ends = self._ends(stop)
            if last or self._is_due() or ends:
                self._save()
            if ends:
                self._reporter.line(f'stopped after step {state.step}: an unfinished model; '
                                    'continue with --resume')
                raise KeyboardInterrupt if stop.signalled else TimeUp

    def _ends(self, stop: StopRequest) -> bool:
        """Return whether to stop now; several processes agree where losses are read anyway."""
        if self._processes.count == 1:
            return stop.is_set()
        return (self._state.step % self._config.log_every == 0
                and self._processes.any(stop.is_set()))

    def _step(self, task: nn.Module, optimiser: torch.optim.AdamW, progress: float) -> LossTerms:
        """Take one step and return its loss terms; raises TrainingError if they are not finite."""
        config, terms = self._config, {}
        for part in range(config.accumulate):
            generator = step_generator(config.seed, self._state.step * config.accumulate + part,
                                       self._processes.rank, self._processes.device)
            objects = self._sampler.sample(config.batch, generator)
            batch = make_batch(objects, config, generator)
            # Processes exchange gradients once a step, after the last of its batches.
            deferred = part + 1 < config.accumulate and hasattr(task, 'no_sync')
            with task.no_sync() if deferred else nullcontext():  # type: ignore[operator]
                terms = task(batch, generator, progress)
                (terms['loss'] / config.accumulate).backward()
            self._throughput.count(batch.cloud_count * self._processes.count)
        norm = nn.utils.clip_grad_norm_(self._state.task.parameters(), config.clip)
        self._finite.add(self._state.step + 1, terms['loss'], norm)
        if self._check_every_step or (self._state.step + 1) % config.log_every == 0:
            self._check_finite()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if self._state.average:
            self._state.average.update(self._state.model)
        return terms

    def _check_finite(self) -> None:
        bad = self._finite.read()
        if bad:
            raise TrainingError(
                f'step {bad.step}: the loss is {bad.loss}, its gradient norm {bad.gradient_norm}; '
                f'the last checkpoint in {self._run_dir} is untouched. Lower lr (now '
                f'{self._config.lr}) or raise tau (now {self._config.tau}), then --resume')

    def _log_step(self, terms: LossTerms, rate: float) -> None:
        state = self._state
        values = {name: float(value.detach()) for name, value in terms.items()}
        record = {'step': state.step, 'stage': state.stage, 'lr': rate, **values,
                  'clouds_per_s': self._throughput.read()}
        self._add(record)
        self._reporter.step(record, self._config.steps)
        if state.stage == PNG and 'ae' in values:
            warning = self._collapse.warning(cope=values['cope'], ae=values['ae'])
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
        self._check_finite()
        self._saved_at = monotonic()
        if not self._processes.first or self._state.optimiser is None:
            return
        self._state.save(step_folder(self._run_dir, self._state.step), self._provenance)
        prune(self._run_dir, self._config.keep)
        plot_curves(self._run_dir)


def checks_every_step(device: torch.device) -> bool:
    """Return whether every loss is checked before the next step; a GPU would be idle meanwhile."""
    return device.type == 'cpu'
