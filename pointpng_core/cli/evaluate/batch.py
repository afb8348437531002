"""`pointpng evaluate batch`: many observations against many references in one batch.

JSON: {"model", "device", "threads", "observations", "references", "views", "repeats",
"reference_s", "peak_mb", "single" and "batch": {"ms", "poses_per_s", "right_label", "right_pose",
"stage_ms": {STAGE: MS}}}. "single" is one observation against its own reference, "batch" all
against all; "poses_per_s" counts one pose for each observation, and "right_label" and "right_pose"
are shares of observations. "stage_ms" has "prepare", "search", "coarse", "fine", "refine" and
the "rest"; "reference_s" is what one reference takes to prepare, "peak_mb" the memory of the GPU,
or of the process, in 2^20 bytes. Times are medians.
"""

import argparse
from typing import Any

from pointpng_core.cli.options import (
    add_model,
    from_zero,
    limit_threads,
    positive,
    report_progress,
)
from pointpng_core.cli.output import number, table

HELP = 'speed of poses: single observations, and many against many references in one batch'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--observations', metavar='N', type=positive, default=64,
                        help='depth views in one batch (default: 64)')
    parser.add_argument('--references', metavar='N', type=positive, default=20,
                        help='random solids that each view is compared with (default: 20)')
    parser.add_argument('--views', metavar='N', type=positive, default=60,
                        help='views of each reference, at least 4 (default: 60)')
    parser.add_argument('--repeats', metavar='N', type=positive, default=5,
                        help='timed batches (default: 5)')
    parser.add_argument('--threads', metavar='N', type=positive, default=1,
                        help='threads of the CPU (default: 1)')
    parser.add_argument('--seed', metavar='N', type=from_zero, default=0,
                        help='of solids and views (default: 0)')
    add_model(parser)


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark; raises PointPngError."""
    limit_threads(options.threads)
    from pointpng_core.evaluation.speed.inference import BatchSize, bench_batch
    size = BatchSize(observations=options.observations, references=options.references,
                     views=options.views)
    return bench_batch(size, repeats=options.repeats, threads=options.threads,
                       device=options.device, model=options.model, seed=options.seed,
                       report=report_progress)


def readable(result: dict[str, Any]) -> str:
    """Return a row for single objects and one for the batch, and their stages."""
    parts = {'single': (1, 1), 'batch': (result['observations'], result['references'])}
    rows = [[f'{name}, {count} x {known}', number(result[name]['ms']),
             *(number(result[name][key], digits) for key, digits in (
                 ('poses_per_s', 0), ('right_label', 3), ('right_pose', 3)))]
            for name, (count, known) in parts.items()]
    speed = table([f'{result["model"]} on {result["device"]}', 'ms', 'poses/s', 'right label',
                   'right pose'], rows)
    stages = list(result['batch']['stage_ms'])
    profile = table(['ms by stage', *stages], [
        [name, *(number(result[name]['stage_ms'].get(stage)) for stage in stages)]
        for name in parts])
    about = (f'{result["views"]} views of each reference, {result["reference_s"]:.2f} s to '
             f'prepare one; {result["peak_mb"]:.0f} MiB at most; {result["threads"]} threads')
    return f'{speed}\n\n{profile}\n{about}'
