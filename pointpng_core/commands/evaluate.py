"""`pointpng evaluate pose` and `pointpng evaluate scene`: benchmarks on files.

JSON of `pose`: {"pairs": COUNT, "file": NAME, "threads": COUNT, "methods": {METHOD: {
"rotation_mean_deg", "rotation_median_deg", "rotation_max_deg", "recall_5deg", "adds_2", "adds_5",
"adds_10", "as_good_as_truth", "ms_median", "ms_p95", "reference_ms", "stage_ms": {STAGE: MS}}}},
our own method under the name "pointpng". Shares lie in [0, 1]; milliseconds count what is done per
observation, "reference_ms" what is prepared once per reference.
"""

import argparse
import os
from pathlib import Path
import sys
from typing import Any

from pointpng_core.commands.output import check_json_target, number, table, write_json
from pointpng_core.errors import FileError

HELP = 'benchmarks: relative poses on pair files, segmentation on a labelled bag'
_COLUMNS = {'rotation_mean_deg': 'mean deg', 'rotation_median_deg': 'median', 'rotation_max_deg':
            'max', 'recall_5deg': '<5 deg', 'adds_2': 'ADD-S 2%', 'adds_5': '5%', 'adds_10': '10%',
            'as_good_as_truth': 'as good', 'ms_median': 'ms', 'ms_p95': 'p95', 'reference_ms':
            'ref ms'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    kinds = parser.add_subparsers(dest='kind', metavar='{pose,scene}', required=True)
    pose = kinds.add_parser('pose', help='relative poses on a file of pairs', allow_abbrev=False)
    pose.add_argument('--pairs', metavar='FILE.npz', type=Path, required=True,
                      help='source, target (pairs, points, 3) int16, 32767 for `scale` metres; '
                           'scale, rotation (xyzw), translation: of source onto target')
    pose.add_argument('--peers', action='store_true',
                      help='run FPFH+RANSAC+ICP, FGR and 48-start ICP side by side')
    pose.add_argument('--limit', metavar='N', type=_positive,
                      help='at most N pairs, spread evenly over the file')
    pose.add_argument('--threads', metavar='N', type=_positive, default=1,
                      help='threads for every method alike (default: 1)')
    pose.add_argument('--device', default='cpu', help='torch device: cpu, cuda, cuda:N')
    scene = kinds.add_parser('scene', help='segments against labels', allow_abbrev=False)
    scene.add_argument('--bag', metavar='DIR', type=Path, required=True, help='ROS bag')
    scene.add_argument('--labels', metavar='FILE.npz', type=Path, required=True,
                       help='label (frames, height, width) uint8, 0 = not an object')
    for part in (pose, scene):
        part.add_argument('--config', metavar='FILE', type=Path,
                          help='YAML with values of EstimatorConfig or SegmenterConfig')
        part.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')


def run(options: argparse.Namespace) -> int:
    """Run the benchmark and print its table; raises PointPngError."""
    check_json_target(options.json)
    for path in (options.pairs,) if options.kind == 'pose' else (options.bag, options.labels):
        if not path.exists():
            raise FileError(f'cannot read {path}: No such file or directory')
    result = _pose(options) if options.kind == 'pose' else _scene(options)
    if options.json != '-':
        print(method_table(result) if options.kind == 'pose' else value_table(result))
    write_json(options.json, result)
    return 0


def method_table(result: dict[str, Any]) -> str:
    """Return the table of a pose benchmark, a row for each method, and times by stage."""
    rows = [[name, *(number(values.get(key)) for key in _COLUMNS)]
            for name, values in result['methods'].items()]
    title = f'{Path(result["file"]).stem} ({result["pairs"]} pairs)'
    stages = [f'{name} by stage (ms): ' + ', '.join(
        f'{stage} {number(ms)}' for stage, ms in values['stage_ms'].items())
        for name, values in result['methods'].items() if values.get('stage_ms')]
    return '\n'.join([table([title, *_COLUMNS.values()], rows), *stages])


def value_table(result: dict[str, Any]) -> str:
    """Return the table of a nested result: a row for each value, keys joined by dots."""
    return table(['', 'value'], [[key, number(value, 3)] for key, value in _flat(result)])


def _pose(options: argparse.Namespace) -> dict[str, Any]:
    # OpenMP reads it when torch and Open3D are loaded, which the imports below do.
    os.environ['OMP_NUM_THREADS'] = str(options.threads)
    from pointpng_core.estimator import EstimatorConfig
    from pointpng_core.evaluation.pose_benchmark import evaluate_pose
    config = EstimatorConfig.from_yaml(options.config) if options.config else EstimatorConfig()
    return evaluate_pose(options.pairs, peers=options.peers, limit=options.limit, config=config,
                         threads=options.threads, device=options.device, report=_report)


def _scene(options: argparse.Namespace) -> dict[str, Any]:
    from pointpng_core.evaluation.scene import evaluate_scene
    from pointpng_core.scene import SegmenterConfig
    config = SegmenterConfig.from_yaml(options.config) if options.config else SegmenterConfig()
    return evaluate_scene(options.bag, options.labels, config=config)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _flat(content: dict[str, Any], prefix: str = '') -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in content.items():
        inner = isinstance(value, dict)
        rows += _flat(value, f'{prefix}{key}.') if inner else [(f'{prefix}{key}', value)]
    return rows


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number above 0')
    return int(text)
