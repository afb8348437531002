"""`pointpng evaluate ablation --data SOURCE --out DIR`: the effect of beta and M.

DIR/ablation.json (also `--json FILE`): {"model_config", "grid", "cope", "mae_steps", "png_steps",
"seed", "sources", "config": {...}, "cells": [{"beta", "negatives", "pa", "ae", "cosine_plain",
"pairs", "svm_accuracy", "pose_median_deg", "pose_15deg"}]}; DIR/ablation.md is the table,
DIR/ablation.png the curves; all three grow with every cell. Finished cells are kept: the same
command resumes the ablation.
"""

import argparse
from pathlib import Path
from typing import Any

from pointpng_core.cli.options import add_data, from_zero, positive
from pointpng_core.cli.output import check_json_target, write_json
from pointpng_core.errors import FileError

HELP = 'small models over beta and the number of pseudo-negatives: their effect'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_data(parser)
    parser.add_argument('--out', metavar='DIR', type=Path, required=True,
                        help='folder of the runs, the table and the plots; finished cells in it '
                             'are not trained again')
    parser.add_argument('--betas', metavar='LIST', type=_numbers(float),
                        default=(0.0, 0.1, 0.3, 0.5, 1.0),
                        help='weights of the pseudo-negatives (default: 0,.1,.3,.5,1)')
    parser.add_argument('--negatives', metavar='LIST', type=_numbers(int),
                        default=(0, 1, 2, 4, 8, 16),
                        help='pseudo-negatives M per view (default: 0,1,2,4,8,16)')
    parser.add_argument('--grid', choices=('one-at-a-time', 'full'), default='one-at-a-time',
                        help='beta at M = 8 and M at beta = .3, or all combinations '
                             '(default: one-at-a-time)')
    parser.add_argument('--cope', choices=('harmonic', 'sie', 'wigner'), default='harmonic',
                        help='the predictor (default: harmonic, as in the paper)')
    parser.add_argument('--steps', metavar='N', type=positive,
                        help='Point-PNG steps of a cell (default: as configured)')
    parser.add_argument('--mae-steps', metavar='N', type=from_zero,
                        help='steps of masked autoencoding, done once (default: as configured)')
    parser.add_argument('--batch', metavar='N', type=positive,
                        help='objects of a step (default: as configured)')
    parser.add_argument('--validation-share', metavar='SHARE', type=float, default=0.1,
                        help='of the training objects, held out to measure with (default: 0.1)')
    parser.add_argument('--model-config', metavar='NAME', default='small',
                        help='small, paper, or a YAML file with values of TrainConfig '
                             '(default: small)')
    parser.add_argument('--device', help='torch device: cpu, cuda, cuda:N')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Train and measure the missing cells, write table and plots; raises PointPngError."""
    from dataclasses import replace

    from pointpng_core.cli.training_progress import make_reporter
    from pointpng_core.evaluation.embedding.ablation import cells_of, run_ablation
    from pointpng_core.training.config import load_recipe
    recipe = load_recipe(options.model_config)
    config = replace(
        recipe, model=replace(recipe.model, cope=options.cope), sources=tuple(options.data),
        png_steps=options.steps or recipe.png_steps, seed=options.seed, keep=1,
        mae_steps=recipe.mae_steps if options.mae_steps is None else options.mae_steps,
        batch=options.batch or recipe.batch, validation_share=options.validation_share,
        device=options.device or recipe.device)
    cells = cells_of(options.betas, options.negatives, options.grid)
    about = {'model_config': options.model_config, 'grid': options.grid}
    with make_reporter() as reporter:
        result = about | run_ablation(
            config, cells, options.out, reporter=reporter,
            keep=lambda part: _write(options.out, about | part, reporter))
        _write(options.out, result, reporter)
    return result


def readable(result: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    from pointpng_core.evaluation.embedding.ablation_report import markdown_table
    return markdown_table(result).rstrip()


def _write(folder: Path, result: dict[str, Any], reporter: Any) -> None:
    from pointpng_core.evaluation.embedding.ablation_report import markdown_table, plot_ablation
    check_json_target(str(folder / 'ablation.json'))
    write_json(str(folder / 'ablation.json'), result)
    try:
        (folder / 'ablation.md').write_text(markdown_table(result), encoding='utf-8')
        drawn = plot_ablation(result, folder / 'ablation.png')
    except OSError as error:
        raise FileError(f'cannot write into {folder}: {error.strerror or error}') from error
    if not drawn:
        reporter.line("no plots: they need matplotlib, `pip install 'pointpng_ros[train]'`")


def _numbers(kind: type) -> Any:
    def read(text: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(word) for word in text.split(','))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f'{text!r} is not a list of numbers such as 0,1,4') from None
    return read
