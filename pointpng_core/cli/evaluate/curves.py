"""`pointpng evaluate curves --pairs FILE.npz --out DIR`: robustness of poses to perturbations.

DIR/curves.json (also `--json FILE`): {"file", "pairs", "model", "threads", "seed", "judged_by",
"curves": {CURVE: {"title", "unit", "levels": [...], "methods": {METHOD: {"recall_5deg",
"rotation_median_deg", "as_good_as_truth", "add_s_median_percent", "ms_median": [a value for each
level]}}}}}; DIR/curves.md are the tables, DIR/curves.png the plots. "judged_by" is "angle" or
"surface". Shares lie in [0, 1], ADD-S is in percent of the diagonal of the source's box.
"""

import argparse
from pathlib import Path
from typing import Any

from pointpng_core.cli.options import (
    add_model,
    limit_threads,
    positive,
    report_progress,
    require_file,
)
from pointpng_core.cli.output import write_json
from pointpng_core.errors import ConfigError, FileError

HELP = 'curves over occlusion, noise, number of points and misalignment, with baselines'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--pairs', metavar='FILE.npz', type=Path, required=True,
                        help='pairs as for `pointpng evaluate pose`')
    parser.add_argument('--out', metavar='DIR', type=Path, required=True,
                        help='folder for curves.json, curves.md and curves.png')
    parser.add_argument('--curve', metavar='NAME[=L,L...]', action='append', type=_curve,
                        help='occlusion, noise, points or misalignment, perhaps with other '
                             'levels: occlusion=0,35,70; may be repeated (default: all four)')
    parser.add_argument('--judge', choices=('angle', 'surface'), default='angle',
                        help='what tables and plots show: the share within 5 degrees and the '
                             'angle, or, for objects that may be symmetric, the share as good as '
                             'truth and ADD-S (default: angle)')
    add_model(parser)
    parser.add_argument('--baselines', action='store_true',
                        help='also run FPFH+RANSAC+ICP, FGR, 48-start ICP and, for misalignment, '
                             'ICP from one start on the same pairs')
    parser.add_argument('--limit', metavar='N', type=positive, default=40,
                        help='at most N pairs, spread evenly over the file (default: 40)')
    parser.add_argument('--threads', metavar='N', type=positive, default=1,
                        help='threads for every method alike (default: 1)')
    parser.add_argument('--seed', metavar='N', type=positive, default=1,
                        help='of hidden sides, noise and axes (default: 1)')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the curves, and write them; raises PointPngError."""
    require_file(options.pairs)
    _make(options.out)
    limit_threads(options.threads)
    from pointpng_core.evaluation.pose.curves import CURVES, evaluate_curves
    from pointpng_core.evaluation.pose.curves_report import markdown_tables, plot_curves
    wanted = dict(options.curve or [(name, None) for name in CURVES])
    unknown = [name for name in wanted if name not in CURVES]
    if unknown:
        raise ConfigError(f'there is no curve {unknown[0]!r}: choose from {", ".join(CURVES)}')
    result = evaluate_curves(
        options.pairs, wanted=wanted, judged_by=options.judge, baselines=options.baselines,
        limit=options.limit, threads=options.threads, device=options.device, model=options.model,
        seed=options.seed, report=report_progress)
    write_json(str(options.out / 'curves.json'), result)
    (options.out / 'curves.md').write_text(markdown_tables(result), encoding='utf-8')
    if not plot_curves(result, options.out / 'curves.png'):
        report_progress("no plots: they need matplotlib, `pip install 'pointpng_ros[train]'`")
    return result


def readable(result: dict[str, Any]) -> str:
    """Return the tables."""
    from pointpng_core.evaluation.pose.curves_report import markdown_tables
    return markdown_tables(result).rstrip()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f'cannot write into {folder}: {error.strerror or error}') from error


def _curve(text: str) -> tuple[str, tuple[float, ...] | None]:
    name, equals, levels = text.partition('=')
    try:
        return name, tuple(float(level) for level in levels.split(',')) if equals else None
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r}: levels are numbers such as occlusion=0,35,70') from None
