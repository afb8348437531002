"""`pointpng evaluate KIND`: benchmarks of poses, scenes, models, training and devices.

Every kind prints a table and writes JSON with `--json FILE`; the module of the kind documents the
keys. Shares and accuracies lie in [0, 1].
"""

import argparse
from typing import Any, Protocol

from pointpng_core.cli.evaluate import (
    ablation,
    batch,
    bop,
    calibration,
    classification,
    curves,
    device,
    equivariance,
    frames_speed,
    fusion,
    make_clutter,
    make_pairs,
    pose,
    recognition,
    scene,
    training,
)
from pointpng_core.cli.evaluate.pose import method_table
from pointpng_core.cli.evaluate.scene import value_table
from pointpng_core.cli.output import check_json_target, say, write_json

__all__ = ['HELP', 'KINDS', 'add_arguments', 'method_table', 'run', 'value_table']


class Benchmark(Protocol):
    """A kind of benchmark; the modules of this package are some."""

    HELP: str
    """One line."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        ...

    def evaluate(self, options: argparse.Namespace) -> dict[str, Any]:
        """Return the result as the JSON has it; raises PointPngError.

        Checks that failed are listed under 'failed', where the kind has checks.
        """
        ...

    def readable(self, result: dict[str, Any]) -> str:
        """Return the result as tables."""
        ...


HELP = ('benchmarks: poses, whole frames, confidence, recognition, curves, segmentation, '
        'equivariance, classification, ablation, fused models, speed of batches, recordings and '
        'training, devices')
KINDS: dict[str, Benchmark] = {
    'pose': pose, 'bop': bop, 'curves': curves, 'make-pairs': make_pairs,
    'make-clutter': make_clutter, 'calibration': calibration, 'recognition': recognition,
    'scene': scene, 'fusion': fusion, 'equivariance': equivariance,
    'classification': classification, 'ablation': ablation, 'batch': batch,
    'training': training, 'frames-speed': frames_speed, 'device': device}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    kinds = parser.add_subparsers(dest='kind', metavar=f'{{{",".join(KINDS)}}}', required=True)
    for name, kind in KINDS.items():
        part = kinds.add_parser(name, help=kind.HELP, description=kind.HELP, allow_abbrev=False)
        kind.add_arguments(part)
        part.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')


def run(options: argparse.Namespace) -> int:
    """Run the benchmark and print its table; 1 where a check failed. Raises PointPngError."""
    check_json_target(options.json)
    kind = KINDS[options.kind]
    result = kind.evaluate(options)
    if options.json != '-':
        say(kind.readable(result))
    write_json(options.json, result)
    return 1 if result.get('failed') else 0
