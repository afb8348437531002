"""Speed of a training step, its parts, and its share of the peak of the machine.

The share of the peak is that of the floating-point operations of matrix products in forward and
backward pass, per second of the whole step, in those of one large matrix product, measured here
in the same precision.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from pointpng_core.embedding.devices import synchronise, torch_device
from pointpng_core.embedding.networks.config import STEERABLE
from pointpng_core.embedding.networks.factory import make_network
from pointpng_core.embedding.networks.patches import group_patches
from pointpng_core.training.batches import ObjectBatch, step_generator
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.objectives import Batch, RotatedViews, make_batch, make_task
from pointpng_core.training.optimiser import make_optimiser
from pointpng_core.training.schedule import MAE, PNG

OBJECTS = 256
PEAK_SIZE = {'cpu': 2048, 'cuda': 8192}
"""Rows and columns of the matrices whose product is the peak."""
PARTS = ('data', 'grouping', 'network', 'optimiser')


def bench_training(config: TrainConfig, *, steps: int = 10,
                   report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Time `steps` steps of both stages on random objects, after two untimed ones.

    Returns {"device", "threads", "precision", "batch", "views", "parameters", "peak_gflops",
    "stages": {"mae" | "png": {"clouds_per_s", "step_ms", "gflop_per_step", "gflops", "peak_share",
    "shares": {"data", "grouping", "network", "optimiser"}}}}. The parts are medians: data and
    augmentation; farthest points and neighbours; forward and backward pass without them; clipping
    and AdamW. clouds_per_s counts every view. Raises ConfigError.
    """
    device = torch_device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    report('peak of a matrix product')
    peak = peak_gflops(device, config.precision)
    stages = {}
    for stage in (PNG,) if config.model.encoder == STEERABLE else (MAE, PNG):
        report(f'{stage}: {steps} steps of {config.batch} objects')
        stages[stage] = _Bench(config, stage, device).run(steps, peak)
    model = make_network(config.model)
    return {'device': str(device), 'threads': torch.get_num_threads(),
            'precision': config.precision, 'batch': config.batch, 'views': config.views,
            'parameters': sum(parameter.numel() for parameter in model.parameters()),
            'peak_gflops': peak, 'stages': stages}


def peak_gflops(device: torch.device, precision: str, repeats: int = 5) -> float:
    """Return the best of some large matrix products, in 10^9 operations per second."""
    size = PEAK_SIZE.get(device.type, PEAK_SIZE['cpu'])
    dtype = torch.bfloat16 if precision == 'bfloat16' else torch.float32
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    times = [_timed(lambda: left @ right, device)[1] for _ in range(repeats)]
    return 2.0 * size ** 3 / min(times) / 1e9


@dataclass
class _Times:
    """Seconds of each part, a value for each step."""

    parts: dict[str, list[float]] = field(
        default_factory=lambda: {part: [] for part in PARTS})

    def medians(self) -> dict[str, float]:
        return {part: median(seconds) for part, seconds in self.parts.items()}


class _Bench:
    def __init__(self, config: TrainConfig, stage: str, device: torch.device) -> None:
        self._config, self._stage, self._device = config, stage, device
        self._model = make_network(config.model).to(device)
        self._task: nn.Module = make_task(stage, self._model, config).to(device)
        self._optimiser = make_optimiser(self._task, lr=config.lr,
                                         weight_decay=config.weight_decay)
        directions = torch.randn(OBJECTS, config.pool, 3, device=device)
        self._objects = 0.5 * nn.functional.normalize(directions, dim=-1)
        self._step, self._clouds = 0, 0

    def run(self, steps: int, peak: float) -> dict[str, Any]:
        operations = self._operations()
        if self._config.compile:
            self._task.compile()
        for _ in range(2):
            self._timed_step(_Times())
        times = _Times()
        for _ in range(steps):
            self._timed_step(times)
        parts = times.medians()
        whole = sum(parts.values())
        gflops = operations / whole / 1e9
        return {'clouds_per_s': self._clouds / whole, 'step_ms': 1e3 * whole,
                'gflop_per_step': operations / 1e9, 'gflops': gflops, 'peak_share': gflops / peak,
                'shares': {part: seconds / whole for part, seconds in parts.items()}}

    def _timed_step(self, times: _Times) -> None:
        (batch, generator), data_s = _timed(self._batch, self._device)
        # Grouping is repeated alone, to separate its time from that of the forward pass.
        _, grouping_s = _timed(lambda: self._group(batch), self._device)
        _, pass_s = _timed(lambda: self._pass(batch, generator), self._device)
        _, optimiser_s = _timed(self._update, self._device)
        measured = (data_s, grouping_s, max(0.0, pass_s - grouping_s), optimiser_s)
        for part, seconds in zip(PARTS, measured):
            times.parts[part].append(seconds)

    def _group(self, batch: Batch) -> object:
        """Find the patches of the clouds of a batch."""
        config = self._config.model
        clouds = batch.clouds if isinstance(batch, RotatedViews) else batch.references.clouds
        return group_patches(clouds.flatten(0, 1), config.patches, config.patch_size)

    def _batch(self) -> tuple[Batch, torch.Generator]:
        self._step += 1
        generator = step_generator(self._config.seed, self._step, 0, self._device)
        rows = torch.randint(OBJECTS, (self._config.batch,), generator=generator,
                             device=self._device)
        points = self._objects[rows]
        objects = ObjectBatch(points=points, normals=torch.zeros_like(points))
        batch = make_batch(objects, self._config, generator)
        self._clouds = batch.cloud_count
        return batch, generator

    def _pass(self, batch: Batch, generator: torch.Generator) -> Tensor:
        loss: Tensor = self._task(batch, generator)['loss']
        loss.backward()
        return loss

    def _update(self) -> None:
        nn.utils.clip_grad_norm_(self._task.parameters(), self._config.clip)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def _operations(self) -> int:
        """Count the operations of one forward and backward pass."""
        batch, generator = self._batch()
        # The fused attention of the CPU is not counted; written as products it is.
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            self._pass(batch, generator)
        self._optimiser.zero_grad(set_to_none=True)
        return int(counter.get_total_flops())


def _timed(function: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """Return the result and the seconds until the device has finished it."""
    synchronise(device)
    start = perf_counter()
    result = function()
    synchronise(device)
    return result, perf_counter() - start


def with_overrides(config: TrainConfig, **values: Any) -> TrainConfig:
    """Return the configuration with the values that are not None; raises ConfigError."""
    return replace(config, **{key: value for key, value in values.items() if value is not None})
