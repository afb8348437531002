"""`pointpng evaluate scene --bag DIR --labels FILE.npz`: segmentation on a labelled bag.

JSON: see `pointpng_core.evaluation.segmentation.benchmark.evaluate_scene`.
"""

import argparse
from pathlib import Path
from typing import Any

from pointpng_core.cli.options import require_file
from pointpng_core.cli.output import number, table

HELP = 'segmentation of a recording against labels'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--bag', metavar='DIR', type=Path, required=True, help='ROS bag')
    parser.add_argument('--labels', metavar='FILE.npz', type=Path, required=True,
                        help='label (frames, height, width) uint8, 0 = not an object')
    parser.add_argument('--config', metavar='FILE', type=Path,
                        help='YAML with values of SegmenterConfig')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark; raises PointPngError."""
    require_file(options.bag)
    require_file(options.labels)
    from pointpng_core.evaluation.segmentation.benchmark import evaluate_scene
    from pointpng_core.segmentation import SegmenterConfig
    config = SegmenterConfig.from_yaml(options.config) if options.config else SegmenterConfig()
    return evaluate_scene(options.bag, options.labels, config=config)


def value_table(result: dict[str, Any]) -> str:
    """Return the table of a nested result: a row for each value, keys joined by dots."""
    return table(['', 'value'], [[key, number(value, 3)] for key, value in _flat(result)])


def readable(result: dict[str, Any]) -> str:
    """Return a row for each method, and the medians of the stages of pointpng below."""
    header = ['', 'recall', 'mean IoU', 'segments', 'false', 'false share', 'ms median', 'ms p95']
    rows = [[name, *(number(row[key], 3) for key in ('recall', 'mean_iou')),
             str(row['segments']), str(row['false_segments']), number(row['false_share'], 3),
             *(number(row[key], 1) for key in ('ms_median', 'ms_p95'))]
            for name, row in result['methods'].items()]
    stages = ', '.join(f'{name} {number(value, 1)}' for name, value in result['stage_ms'].items())
    return (f'{result["frames"]} frames, {result["objects"]} labelled objects, found from an IoU '
            f'of {number(result["iou"], 2)}\n{table(header, rows)}\nstages of pointpng, ms: '
            f'{stages}; its time over that of the baseline: {number(result["time_ratio"], 2)}')


def _flat(content: dict[str, Any], prefix: str = '') -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in content.items():
        inner = isinstance(value, dict)
        rows += _flat(value, f'{prefix}{key}.') if inner else [(f'{prefix}{key}', value)]
    return rows
