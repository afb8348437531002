"""The benchmark of a device: agreement with the CPU, speed and memory of poses, training steps."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import torch

from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.device.agreement import (
    Agreement,
    compare_embeddings,
    compare_geometry,
)
from pointpng_core.evaluation.device.estimation_stages import compare_estimation
from pointpng_core.evaluation.device.scene_data import SceneData
from pointpng_core.evaluation.speed.inference import bench_scene
from pointpng_core.evaluation.speed.memory import memory_growth_mb
from pointpng_core.evaluation.speed.training import bench_training, peak_gflops
from pointpng_core.training.config import TrainConfig

PARTS = ('agreement', 'inference', 'training')
PRECISIONS = ('float32', 'bfloat16')
CPU_OBSERVATIONS = 8
"""Observations that are timed on the CPU, for comparison."""
COMPARED_OBSERVATIONS, COMPARED_REFERENCES = 16, 4
"""Part of the scene on which the stages of an estimate are compared."""
Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class DevicePlan:
    """What is compared and timed, and how often."""

    models: tuple[str, ...]
    recipes: tuple[TrainConfig, ...] = ()
    """Configurations whose training steps are timed."""
    recipe_names: tuple[str, ...] = ()
    repeats: int = 5
    """Timed batches."""
    calls: int = 1000
    """Estimates after which the growth of the memory is read."""
    train_steps: int = 10
    parts: tuple[str, ...] = PARTS


def evaluate_device(device: torch.device, scene: SceneData, plan: DevicePlan, *,
                    report: Report = lambda line: None) -> dict[str, Any]:
    """Compare a device with the CPU, and time poses and training steps on it.

    Returns {'device', 'name', 'torch', 'peak_gflops': {PRECISION: 10^9 operations per second of a
    matrix product}, 'agreement': [{'stage', 'difference', 'allowed', 'agrees'}], 'failed': stages
    that do not agree, 'inference': {MODEL: {'single', 'batch', 'peak_mb', 'growth_mb',
    'cpu_single'}}, 'training': {RECIPE: what `bench_training` returns}}; parts that are not asked
    for are empty. 'cpu_single' is missing where the device is the CPU.
    """
    report(f'peak of a matrix product on {device}')
    result: dict[str, Any] = {
        'device': str(device), 'torch': torch.__version__,
        'name': torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU',
        'peak_gflops': {precision: peak_gflops(device, precision) for precision in PRECISIONS}}
    stages = compare_stages(device, scene, plan.models, report=report) \
        if 'agreement' in plan.parts else []
    result['agreement'] = [{**asdict(stage), 'agrees': stage.agrees} for stage in stages]
    result['failed'] = [stage.stage for stage in stages if not stage.agrees]
    result['inference'] = {name: _inference(name, device, scene, plan, report)
                           for name in plan.models if 'inference' in plan.parts}
    result['training'] = {
        name: bench_training(replace(config, device=str(device)), steps=plan.train_steps,
                             report=report)
        for name, config in zip(plan.recipe_names, plan.recipes) if 'training' in plan.parts}
    return result


def compare_stages(device: torch.device, scene: SceneData, models: Sequence[str], *,
                   report: Report = lambda line: None) -> list[Agreement]:
    """Return the difference of every stage between a device and the CPU."""
    report(f'agreement of {device} and the CPU')
    stages = [*compare_geometry(device), *compare_embeddings(device, models)]
    for name in models:
        on_cpu, on_device = (PoseEstimator(device=on, model=name) for on in ('cpu', str(device)))
        part = scene.for_estimator(on_cpu, observations=COMPARED_OBSERVATIONS,
                                   references=COMPARED_REFERENCES)
        stages += compare_estimation(on_cpu, on_device, part)
    return stages


def _inference(name: str, device: torch.device, data: SceneData, plan: DevicePlan,
               report: Report) -> dict[str, Any]:
    """Time single and batched poses on the device, single ones on the CPU; read the memory."""
    report(f'{name} on {device}')
    estimator = PoseEstimator(device=str(device), model=name)
    scene = data.for_estimator(estimator)
    first = scene.observations[0]
    result = bench_scene(estimator, scene, repeats=plan.repeats, report=report)
    estimate = partial(estimator.estimate_batch, [first.points], [scene.own(first)], segments=True,
                       viewpoint=Viewpoint.SENSOR)
    result['growth_mb'] = memory_growth_mb(estimate, device, plan.calls)
    if device.type != 'cpu':
        report(f'{name} on the CPU')
        on_cpu = PoseEstimator(model=name)
        few = data.for_estimator(on_cpu, observations=CPU_OBSERVATIONS)
        result['cpu_single'] = bench_scene(on_cpu, few, repeats=1, report=report)['single']
    return result
