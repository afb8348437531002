"""`pointpng evaluate pose --pairs FILE.npz`: relative poses on pair files.

JSON: {"pairs": COUNT, "file": NAME, "threads": COUNT, "model": NAME, "methods": {METHOD: {
"rotation_mean_deg", "rotation_median_deg", "rotation_max_deg", "recall_5deg", "adds_2", "adds_5",
"adds_10", "as_good_as_truth", "ms_median", "ms_p95", "reference_ms", "stage_ms": {STAGE: MS}}}}.
Methods of this project are "pointpng" (the whole pipeline) and "embedding" (the best rotation in
embedding space, without registration); `--search gradient` adds "embedding, algorithm 1"; with a
learned `--model`, "... training_free" are the same with the training-free model. "bidirectional"
is the pipeline with verification.bidirectional; "tracking" starts 8 degrees and 4 % of the
diameter from the truth. Shares lie in [0, 1]; milliseconds are those of an observation,
"reference_ms" those of preparing a reference. With `--unseen`, "parts" has "pairs" and "methods"
of the "seen" and the "unseen" objects.
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
    rule,
)
from pointpng_core.cli.output import number, table

HELP = 'relative poses on a file of pairs'
_COLUMNS = {'rotation_mean_deg': 'mean deg', 'rotation_median_deg': 'median', 'rotation_max_deg':
            'max', 'recall_5deg': '<5 deg', 'adds_2': 'ADD-S 2%', 'adds_5': '5%', 'adds_10': '10%',
            'as_good_as_truth': 'as good', 'ms_median': 'ms', 'ms_p95': 'p95', 'reference_ms':
            'ref ms'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--pairs', metavar='FILE.npz', type=Path, required=True,
                        help='source, target (pairs, points, 3) int16, 32767 for `scale` metres; '
                             'scale, rotation (xyzw), translation: of source onto target')
    add_model(parser)
    parser.add_argument('--search', choices=('exhaustive', 'gradient'), default='exhaustive',
                        help='gradient: Algorithm 1 of the paper beside the exhaustive search, '
                             'on embeddings alone (default: exhaustive only)')
    parser.add_argument('--baselines', action='store_true',
                        help='also run FPFH+RANSAC+ICP, FGR and 48-start ICP on the same pairs')
    parser.add_argument('--limit', metavar='N', type=positive,
                        help='at most N pairs, spread evenly over the file')
    parser.add_argument('--unseen', metavar='K[:R]', type=rule,
                        help='report the objects at positions R, R + K ... of the sorted names '
                             'in the file (from 0) apart from the others: 3:2 for the YCB '
                             'objects, of which every third is never trained or tuned on')
    parser.add_argument('--threads', metavar='N', type=positive, default=1,
                        help='threads for every method alike (default: 1)')
    parser.add_argument('--config', metavar='FILE', type=Path,
                        help='YAML with values of EstimatorConfig')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark; raises PointPngError."""
    require_file(options.pairs)
    limit_threads(options.threads)
    from pointpng_core.estimator import EstimatorConfig
    from pointpng_core.evaluation.pose.pose_benchmark import evaluate_pose
    config = EstimatorConfig.from_yaml(options.config) if options.config else EstimatorConfig()
    return evaluate_pose(
        options.pairs, baselines=options.baselines, limit=options.limit, config=config,
        threads=options.threads, device=options.device, model=options.model,
        gradient=options.search == 'gradient', unseen=options.unseen, report=report_progress)


def method_table(result: dict[str, Any]) -> str:
    """Return the table of a pose benchmark, a row for each method, its parts, times by stage."""
    blocks = [_rows(Path(result['file']).stem, result),
              *(_rows(name, part) for name, part in result.get('parts', {}).items()),
              _stages(result)]
    return '\n\n'.join(block for block in blocks if block)


def _rows(title: str, part: dict[str, Any]) -> str:
    rows = [[name, *(number(values.get(key)) for key in _COLUMNS)]
            for name, values in part['methods'].items()]
    return table([f'{title} ({part["pairs"]} pairs)', *_COLUMNS.values()], rows)


def _stages(result: dict[str, Any]) -> str:
    """Return the median of each stage and their sum, for methods that report stages."""
    known = {name: values['stage_ms'] for name, values in result['methods'].items()
             if values.get('stage_ms')}
    stages = list(dict.fromkeys(stage for times in known.values() for stage in times))
    rows = [[name, *(number(times.get(stage)) for stage in stages), number(sum(times.values()))]
            for name, times in known.items()]
    return table(['ms by stage', *stages, 'sum'], rows) if rows else ''


readable = method_table
