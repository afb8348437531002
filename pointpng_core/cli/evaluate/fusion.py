"""`pointpng evaluate fusion`: are models that are fused from recordings as good as true meshes?

The simulator records objects of the catalogue that turn before its camera; each recording is
fused as `pointpng objects from-bag` does it, and compared with the true mesh after the best
alignment. Then simulated tables are posed by all fused models, and by the true meshes.

JSON: {"clouds", "scenes", "seed", "objects": {NAME: {"mean_m", "p95_m", "there", "completeness_above_table",
"used", "loop": {"rotation_deg", "shift_m"}, "fused" and "true": {"seen", "posed", "wrong",
"mistaken"}}}}, or {"refused": WHY} where no model came of the recording. Distances are those of
the model from the true surface; "there" is the share of the true surface within 3 mm of the model,
"completeness_above_table" of what is higher than 9 mm over the table; "used" clouds are in the model; "loop" is
what was missing when the turn closed, null for no whole turn. "seen": times the object was at
least half in view; "posed": of these, within 5 degrees (up to symmetry) and 5 mm, accepted at the
default confidence; "wrong": it was accepted at another pose; "mistaken": something else was taken
for it.
"""

import argparse
from typing import Any

from pointpng_core.cli.options import add_model, positive, tell
from pointpng_core.cli.output import number, table

HELP = 'models from recordings against true meshes: distances, what is there, and poses by both'
_HEADER = ('object', 'mm off', 'p95', 'there', 'above 9 mm', 'loop')
_POSED_HEADER = ('posed by it', 'wrong', 'mistaken', 'by the true mesh', 'wrong', 'mistaken')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--objects', metavar='NAME', nargs='+',
                        help='objects of the simulator (default: all)')
    parser.add_argument('--clouds', metavar='N', type=positive, default=36,
                        help='of a whole turn (default: 36)')
    parser.add_argument('--scenes', metavar='N', type=int, default=20,
                        help='tables that are posed, 0 for none (default: 20)')
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
    return evaluate_fusion(estimator, plan, report=tell)


def readable(result: dict[str, Any]) -> str:
    """Return a row for each model, and why there is none of the other objects."""
    rows = [_row(name, part) for name, part in result['objects'].items() if 'refused' not in part]
    refused = [f'{name}: refused, {part["refused"]}' for name, part in result['objects'].items()
               if 'refused' in part]
    about = (f'{result["clouds"]} clouds of a turn, {result["scenes"]} tables, seed '
             f'{result["seed"]}')
    header = _HEADER + _POSED_HEADER if result['scenes'] else _HEADER
    return '\n'.join([table(header, rows), about, *refused])


def _row(name: str, part: dict[str, Any]) -> list[str]:
    loop = part['loop']
    return [name, number(1e3 * part['mean_m']), number(1e3 * part['p95_m']),
            number(part['there']), number(part['completeness_above_table']),
            f'{loop["rotation_deg"]:.1f} deg, {1e3 * loop["shift_m"]:.1f} mm' if loop else '-',
            *(cell for key in ('fused', 'true') if key in part for cell in _posed(part[key]))]


def _posed(count: dict[str, int]) -> tuple[str, ...]:
    return f'{count["posed"]} of {count["seen"]}', str(count['wrong']), str(count['mistaken'])
