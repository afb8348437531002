"""`pointpng evaluate training --model-config small`: speed of a training step.

JSON: {"model_config", "device", "threads", "precision", "batch", "views", "parameters",
"peak_gflops", "stages": {"mae" | "png": {"clouds_per_s", "step_ms", "gflop_per_step", "gflops",
"peak_share", "shares": {"data", "grouping", "network", "optimiser"}}}}. The peak is that of a
large matrix product on the same machine in the same precision; "data" is sampling and
augmentation, "grouping" farthest points and neighbours.
"""

import argparse
from typing import Any

from pointpng_core.cli.options import positive, report_progress
from pointpng_core.cli.output import number, table

HELP = 'speed of the training step, and its share of the peak of the machine'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--model-config', metavar='NAME', default='small',
                        help='small, paper, or a YAML file with values of TrainConfig '
                             '(default: small)')
    parser.add_argument('--steps', metavar='N', type=positive, default=10,
                        help='timed steps of each stage (default: 10)')
    parser.add_argument('--batch', metavar='N', type=positive,
                        help='objects of a step (default: as configured)')
    parser.add_argument('--precision', choices=('float32', 'bfloat16'),
                        help='of the networks (default: as configured)')
    parser.add_argument('--threads', metavar='N', type=positive,
                        help='threads of torch (default: as configured)')
    parser.add_argument('--device', help='torch device: cpu, cuda, cuda:N')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; raises PointPngError."""
    from pointpng_core.evaluation.speed.training import bench_training, with_overrides
    from pointpng_core.training.config import load_recipe
    config = with_overrides(load_recipe(options.model_config), batch=options.batch,
                            precision=options.precision, threads=options.threads,
                            device=options.device)
    return {'model_config': options.model_config,
            **bench_training(config, steps=options.steps, report=report_progress)}


def readable(result: dict[str, Any]) -> str:
    """Return the table: a row for each stage."""
    about = (f'{result["parameters"] / 1e6:.2f} M parameters, {result["batch"]} objects x '
             f'{result["views"]} views, {result["precision"]} on {result["device"]} with '
             f'{result["threads"]} threads; peak {result["peak_gflops"]:.0f} GFLOP/s')
    header = [result['model_config'], 'clouds/s', 'ms/step', 'GFLOP/s', 'of peak', 'data',
              'grouping', 'network', 'optimiser']
    return '\n'.join([table(header, stage_rows(result)), about])


def stage_rows(result: dict[str, Any]) -> list[list[str]]:
    """Return a row of text for each training stage."""
    return [[stage, number(values['clouds_per_s'], 0), number(values['step_ms'], 0),
             number(values['gflops'], 0), *(_percent(share) for share in (
                 values['peak_share'], *values['shares'].values()))]
            for stage, values in result['stages'].items()]


def _percent(share: float) -> str:
    return f'{100.0 * share:.0f} %'
