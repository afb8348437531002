"""`pointpng evaluate fusion`: are models fused from recordings as good as the true meshes?

The simulator records objects of the catalogue on a turntable; each recording is fused as by
`pointpng objects from-bag`, and compared with the true mesh after the best alignment. Then the
poses of objects on simulated tables are estimated with all fused models, and with the true meshes.

JSON: {"clouds", "scenes", "seed", "objects": {NAME: {"mean_m", "p95_m", "completeness",
"completeness_above_table", "used", "loop": {"rotation_deg", "shift_m"}, "fused" and "true":
{"seen", "posed", "wrong", "mistaken"}}}}, or {"refused": WHY} where the recording gave no model.
Distances are those of the model from the true surface; "completeness" is the share of the true
surface within 3 mm of the model, "completeness_above_table" the same of the surface higher than
9 mm above the table; "used" clouds are in the model; "loop" is the drift when the loop closed,
null without a full rotation. "seen" counts frames in which at least half of the object is
visible; "posed" counts those of them with a pose within 5 degrees (up to symmetry) and 5 mm,
accepted at the default confidence; "wrong" counts accepted poses outside of that; "mistaken"
counts detections of its name on other objects.
"""

import argparse
from typing import Any

from pointpng_core.cli.options import add_model, positive, report_progress
from pointpng_core.cli.output import number, table

HELP = 'models from recordings against true meshes: accuracy, completeness, poses with both'
_HEADER = ('object', 'mm off', 'p95', 'complete', 'above 9 mm', 'loop')
_POSED_HEADER = ('posed with it', 'wrong', 'mistaken', 'with the true mesh', 'wrong', 'mistaken')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--objects', metavar='NAME', nargs='+',
                        help='objects of the simulator (default: all)')
    parser.add_argument('--clouds', metavar='N', type=positive, default=36,
                        help='clouds of a full rotation (default: 36)')
    parser.add_argument('--scenes', metavar='N', type=int, default=20,
                        help='simulated tables on which poses are estimated (default: 20)')
    parser.add_argument('--seed', metavar='N', type=int, default=0,
                        help='of recordings and tables (default: 0)')
    add_model(parser)


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark; raises PointPngError."""
    import torch

    from pointpng_core.errors import ConfigError
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.evaluation.reconstruction.benchmark import FusionPlan, evaluate_fusion
    from pointpng_core.simulation.shapes.catalogue import object_names
    from pointpng_core.training.data import cache_folder
    for name in ('scenes', 'seed'):
        if getattr(options, name) < 0:
            raise ConfigError(f'--{name} {getattr(options, name)}: must be at least 0')
    torch.set_num_threads(1)  # its operations are so small that threads wait more than they help
    plan = FusionPlan(objects=tuple(options.objects or object_names()), clouds=options.clouds,
                      scenes=options.scenes, seed=options.seed)
    estimator = PoseEstimator(model=options.model, device=options.device,
                              cache_dir=cache_folder())
    return evaluate_fusion(estimator, plan, report=report_progress)


def readable(result: dict[str, Any]) -> str:
    """Return a row for each model, and a line for each object that was refused."""
    rows = [_row(name, part) for name, part in result['objects'].items() if 'refused' not in part]
    refused = [f'{name}: refused, {part["refused"]}' for name, part in result['objects'].items()
               if 'refused' in part]
    about = (f'{result["clouds"]} clouds of a full rotation, {result["scenes"]} tables, seed '
             f'{result["seed"]}')
    header = _HEADER + _POSED_HEADER if result['scenes'] else _HEADER
    return '\n'.join([table(header, rows), about, *refused])


def _row(name: str, part: dict[str, Any]) -> list[str]:
    loop = part['loop']
    return [name, number(1e3 * part['mean_m']), number(1e3 * part['p95_m']),
            number(part['completeness']), number(part['completeness_above_table']),
            f'{loop["rotation_deg"]:.1f} deg, {1e3 * loop["shift_m"]:.1f} mm' if loop else '-',
            *(cell for key in ('fused', 'true') if key in part for cell in _counts(part[key]))]


def _counts(count: dict[str, int]) -> tuple[str, ...]:
    return f'{count["posed"]} of {count["seen"]}', str(count['wrong']), str(count['mistaken'])
