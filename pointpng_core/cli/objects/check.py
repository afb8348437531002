"""`pointpng objects check`: expected accuracy of a library, by rendered views of its objects.

JSON: see `pointpng_core.evaluation.library.self_check.check_library`.
"""

import argparse
from typing import Any

from pointpng_core.cli.objects.options import add_library
from pointpng_core.cli.options import add_model, not_negative, positive
from pointpng_core.cli.output import check_json_target, number, say, table, write_json
from pointpng_core.text import printable

HELP = 'expected accuracy, and which objects are taken for one another'
_HEADER = ('object', 'mm', 'points', 'right', 'deg', 'mm off', 'accepted', 'wrong',
           'taken for')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_library(parser)
    add_model(parser)
    parser.add_argument('--views', metavar='N', type=positive, default=12,
                        help='views of each object (default: 12)')
    parser.add_argument('--distance', metavar='M', type=not_negative, default=0.7,
                        help='metres from the camera, two diameters at least (default: 0.7)')
    parser.add_argument('--noise', metavar='X', type=not_negative, default=1.0,
                        help="noise of the depth, in units of a Kinect's (default: 1)")
    parser.add_argument('--seed', metavar='N', type=int, default=0,
                        help='another one gives other views (default: 0)')
    parser.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')


def run(options: argparse.Namespace) -> int:
    """Check the library and print the table; raises PointPngError."""
    import torch

    from pointpng_core.cli.training_progress import make_reporter
    from pointpng_core.errors import ConfigError
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.evaluation.library.self_check import TestPlan, check_library
    from pointpng_core.io.object_library import load_library
    from pointpng_core.training.data import cache_folder
    check_json_target(options.json)
    if options.seed < 0:
        raise ConfigError(f'--seed {options.seed}: must be at least 0')
    plan = TestPlan(views=options.views, distance_m=options.distance, seed=options.seed,
                    noise=options.noise)
    torch.set_num_threads(1)  # its operations are so small that threads wait more than they help
    models = load_library(options.library)
    estimator = PoseEstimator(model=options.model, device=options.device,
                              cache_dir=cache_folder())
    with make_reporter() as reporter:
        result = check_library(estimator, models, plan, report=reporter.progress)
    if options.json != '-':
        say(readable(result))
    write_json(options.json, result)
    return 0


def readable(result: dict[str, Any]) -> str:
    """Return the table of the objects, and the warnings."""
    rows = [[name, number(1e3 * part['diameter_m'], 0), number(part['points'], 0),
             number(part['right']), number(part['rotation_deg'], 1), number(part['shift_mm'], 1),
             number(part['accepted']), number(part['accepted_wrong']),
             ', '.join(f'{other} {count}' for other, count in part['taken_for'].items()) or '-']
            for name, part in result['objects'].items()]
    return '\n'.join([
        table(_HEADER, rows, left=(0, len(_HEADER) - 1)),
        f'{result["views"]} views each in random rotations, from {result["distance_m"]:g} m, seed '
        f'{result["seed"]}; accepted from confidence {result["threshold"]:.2f} on',
        *(f'warning: {printable(warning)}' for warning in result['warnings'])])
