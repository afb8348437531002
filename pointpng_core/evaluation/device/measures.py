"""What the machine does: its peak, inference alone and in a batch, memory, a training step."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from pointpng_core.embedding.devices import synchronise
from pointpng_core.embedding.model_zoo import shipped_models
from pointpng_core.evaluation.speed.memory import resident_mb
from pointpng_core.evaluation.speed.training import bench_training, peak_gflops
from pointpng_core.training.config import TrainConfig

PRECISIONS = ('float32', 'bfloat16')
PEER_CLOUDS = 8
Report = Callable[[str], None]


def machine(device: torch.device) -> dict[str, Any]:
    """Return the names of the machine's parts and its peak of a matrix product, 10^9 /s."""
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else 'cpu'
    return {'device': name, 'torch': torch.__version__,
            'peak_gflops': {precision: peak_gflops(device, precision) for precision in PRECISIONS}}


def inference(device: torch.device, world: Path, *, repeats: int, calls: int, report: Report,
              models: Sequence[str] = ()) -> dict[str, Any]:
    """Time single objects and the batch on the device, single ones on the CPU; watch the memory.

    {MODEL: {"single", "batch", "peak_mb", "cpu": {"single"}, "growth_mb"}}: `growth_mb` is what
    `calls` estimates have left behind.
    """
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.evaluation.device.world import read_world
    from pointpng_core.evaluation.speed.inference import bench_world
    results = {}
    for name in models or shipped_models():
        report(f'{name} on {device}')
        estimator = PoseEstimator(device=str(device), model=name)
        known = read_world(world, estimator)
        results[name] = bench_world(estimator, known, repeats=repeats, report=report)
        results[name]['growth_mb'] = growth_mb(
            partial(estimator.estimate_batch, [known.seen[0].points],
                    [known.own(known.seen[0])], viewpoint='sensor'), device, calls)
        if device.type != 'cpu':
            report(f'{name} on the CPU')
            here = PoseEstimator(model=name)
            few = read_world(world, here, observations=PEER_CLOUDS)
            results[name]['cpu'] = {
                'single': bench_world(here, few, repeats=1, report=report)['single']}
    return results


def growth_mb(call: Callable[[], Any], device: torch.device, calls: int, warm_ups: int = 10
              ) -> float:
    """Return by how many 2^20 bytes the memory in use has grown over calls, after a few."""
    for _ in range(warm_ups):
        call()
    before = _held_mb(device)
    for _ in range(calls):
        call()
    return _held_mb(device) - before


def baselines(world: Path) -> dict[str, float]:
    """Return the median milliseconds of the peers on the CPU, whole clouds, one thread."""
    from pointpng_core.evaluation.pose.baselines import all_baselines
    with np.load(world, allow_pickle=False) as stored:
        names = [str(name) for name in stored['names']]
        pairs = [(stored['surfaces'][names.index(str(name))], points) for name, points
                 in zip(stored['shown'][:PEER_CLOUDS], stored['points'])]
    times: dict[str, float] = {}
    for method in all_baselines(threads=1):
        spent = []
        for surface, points in pairs:
            prepared = method.prepare(surface)
            start = perf_counter()
            method.register(prepared, points)
            spent.append(1e3 * (perf_counter() - start))
        times[method.name] = float(np.median(spent))
    return times


def training(config: TrainConfig, device: torch.device, *, steps: int, report: Report
             ) -> dict[str, Any]:
    """Time the steps of a configuration on the device: clouds per second, share of the peak."""
    return bench_training(replace(config, device=str(device)), steps=steps, report=report)


def _held_mb(device: torch.device) -> float:
    """Return what tensors hold of a GPU, or the process of the memory, in MB (10^6 bytes)."""
    synchronise(device)
    if device.type == 'cuda':
        return torch.cuda.memory_allocated(device) / 1e6
    return resident_mb()
