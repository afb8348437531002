"""`pointpng evaluate device cuda`: does a device agree with the CPU, and how fast is it?

JSON: {"device", "name", "torch", "peak_gflops": {PRECISION: PEAK}, "agreement": [{"stage",
"difference", "allowed", "agrees"}], "failed": [STAGE], "inference": {MODEL: {"single" and "batch":
{"ms", "poses_per_s", "right_label", "right_pose", "stage_ms": {STAGE: MS}}, "peak_mb",
"growth_mb", "cpu_single"}}, "training": {RECIPE: what `pointpng evaluate training` writes}}. The
peak is that of a large matrix product in 10^9 operations per second. Every stage is compared from
the same input; "failed" are those that differ by more than "allowed", and the exit code is 1 when
there are any. "single" is one observation against its own reference, "batch" all against all
references; "cpu_single" are single observations on the CPU, missing where that is the device.
"peak_mb" is the largest memory in 2^20 bytes, "growth_mb" that after `--calls` estimates in 10^6.
"""

import argparse
from pathlib import Path
from typing import Any

from pointpng_core.cli.evaluate.training import stage_rows
from pointpng_core.cli.options import from_zero, positive, report_progress
from pointpng_core.cli.output import number, table
from pointpng_core.errors import ConfigError

HELP = 'a device such as a GPU: agreement with the CPU, speed of poses and of training'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('device', metavar='DEVICE', help='torch device: cuda, cuda:N or cpu')
    parser.add_argument('--only', metavar='LIST', type=_names,
                        help='parts, separated by commas: agreement, inference, training '
                             '(default: all)')
    parser.add_argument('--models', metavar='LIST', type=_names,
                        help='models that are compared and timed (default: all that ship)')
    parser.add_argument('--recipes', metavar='LIST', type=_names, default=('steerable', 'paper'),
                        help='training configurations that are timed: names or YAML files '
                             '(default: steerable,paper)')
    parser.add_argument('--scene', metavar='FILE.npz', type=Path,
                        help='take the observations from this file, or write them there where it '
                             'does not exist: two machines then measure the same')
    for name, default, text in (
            ('observations', 64, 'depth views in one batch'),
            ('references', 20, 'random solids that each view is compared with'),
            ('repeats', 5, 'timed batches'),
            ('calls', 1000, 'estimates after which the growth of the memory is read'),
            ('train-steps', 10, 'timed training steps of each stage')):
        parser.add_argument(f'--{name}', metavar='N', type=positive, default=default,
                            help=f'{text} (default: {default})')
    parser.add_argument('--seed', metavar='N', type=from_zero, default=0,
                        help='of solids and views (default: 0)')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Compare and measure; raises PointPngError."""
    from pointpng_core.embedding.devices import torch_device
    from pointpng_core.embedding.model_zoo import shipped_models
    from pointpng_core.evaluation.device.benchmark import PARTS, DevicePlan, evaluate_device
    from pointpng_core.training.config import load_recipe
    device = torch_device(options.device)
    parts = options.only or PARTS
    if unknown := [part for part in parts if part not in PARTS]:
        raise ConfigError(f'--only {unknown[0]}: choose from {", ".join(PARTS)}')
    plan = DevicePlan(
        models=options.models or tuple(shipped_models()), parts=parts,
        recipes=tuple(load_recipe(name) for name in options.recipes),
        recipe_names=tuple(Path(name).stem for name in options.recipes),
        repeats=options.repeats, calls=options.calls, train_steps=options.train_steps)
    return evaluate_device(device, _scene(options), plan, report=report_progress)


def readable(result: dict[str, Any]) -> str:
    """Return tables of the agreement, the poses and the training steps that were measured."""
    peaks = ', '.join(f'{peak:.0f} GFLOP/s in {precision}'
                      for precision, peak in result['peak_gflops'].items())
    blocks = [f'{result["name"]} ({result["device"]}), torch {result["torch"]}: {peaks}']
    if result['agreement']:
        blocks.append(table(['stage', 'difference', 'allowed', ''], [
            [row['stage'], number(row['difference'], 6), number(row['allowed'], 6),
             '' if row['agrees'] else 'DIFFERS'] for row in result['agreement']]))
    blocks += [_pose_table(name, part) for name, part in result['inference'].items()]
    if result['training']:
        rows = [[f'{name}, {stage}', *cells] for name, part in result['training'].items()
                for stage, *cells in stage_rows(part)]
        blocks.append(table(['training', 'clouds/s', 'ms/step', 'GFLOP/s', 'of peak', 'data',
                             'grouping', 'network', 'optimiser'], rows))
    return '\n\n'.join(blocks)


def _pose_table(name: str, part: dict[str, Any]) -> str:
    titles = {'single': 'single', 'batch': 'batch', 'cpu_single': 'single, CPU'}
    rows = [[title, number(part[key]['ms']), number(part[key]['poses_per_s'], 0),
             number(part[key]['right_label'], 3), number(part[key]['right_pose'], 3)]
            for key, title in titles.items() if key in part]
    memory = f'{part["peak_mb"]:.0f} MiB at most, {part["growth_mb"]:.1f} MB of growth'
    return table([name, 'ms', 'poses/s', 'right label', 'right pose'], rows) + f'\n{memory}'


def _scene(options: argparse.Namespace) -> Any:
    """Return the scene of the file, or a new one, which is written where a file is named."""
    from pointpng_core.evaluation.device.scene_data import (
        make_scene_data,
        read_scene_data,
        write_scene_data,
    )
    from pointpng_core.evaluation.speed.inference import BatchSize
    if options.scene and options.scene.exists():
        return read_scene_data(options.scene)
    size = BatchSize(observations=options.observations, references=options.references)
    scene = make_scene_data(size, seed=options.seed)
    if options.scene:
        write_scene_data(options.scene, scene)
    return scene


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(',') if name.strip())
