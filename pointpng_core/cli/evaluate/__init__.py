"""`pointpng evaluate KIND`: benchmarks of poses, scenes, models and training.

Every kind prints a table and writes JSON with `--json FILE`; its keys are documented in the
module of the kind, `evaluate_KIND.py` or `make_pairs.py`. Shares and accuracies lie in [0, 1].
"""

import argparse
from types import ModuleType

from pointpng_core.cli.evaluate import (
    ablation as evaluate_ablation,
)
from pointpng_core.cli.evaluate import (
    batch as evaluate_batch,
)
from pointpng_core.cli.evaluate import (
    calibration as evaluate_calibration,
)
from pointpng_core.cli.evaluate import (
    classification as evaluate_classification,
)
from pointpng_core.cli.evaluate import (
    curves as evaluate_curves,
)
from pointpng_core.cli.evaluate import (
    equivariance as evaluate_equivariance,
)
from pointpng_core.cli.evaluate import (
    fusion as evaluate_fusion,
)
from pointpng_core.cli.evaluate import (
    make_pairs,
)
from pointpng_core.cli.evaluate import (
    pose as evaluate_pose,
)
from pointpng_core.cli.evaluate import (
    recognition as evaluate_recognition,
)
from pointpng_core.cli.evaluate import (
    scene as evaluate_scene,
)
from pointpng_core.cli.evaluate import (
    training as evaluate_training,
)
from pointpng_core.cli.evaluate.pose import method_table
from pointpng_core.cli.evaluate.scene import value_table
from pointpng_core.cli.output import check_json_target, write_json

__all__ = ['HELP', 'add_arguments', 'method_table', 'run', 'value_table']

HELP = ('benchmarks: poses, confidence, recognition, curves, segmentation, equivariance, '
        'classification, ablation, fused models, speed of batches and of training')
_KINDS: dict[str, ModuleType] = {
    'pose': evaluate_pose, 'scene': evaluate_scene, 'equivariance': evaluate_equivariance,
    'classification': evaluate_classification, 'ablation': evaluate_ablation,
    'training': evaluate_training,
    'calibration': evaluate_calibration, 'recognition': evaluate_recognition,
    'curves': evaluate_curves, 'batch': evaluate_batch, 'fusion': evaluate_fusion,
    'make-pairs': make_pairs}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    kinds = parser.add_subparsers(dest='kind', metavar=f'{{{",".join(_KINDS)}}}', required=True)
    for name, module in _KINDS.items():
        part = kinds.add_parser(name, help=module.HELP, description=module.HELP,
                                allow_abbrev=False)
        module.add_arguments(part)
        part.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')


def run(options: argparse.Namespace) -> int:
    """Run the benchmark and print its table; raises PointPngError."""
    check_json_target(options.json)
    module = _KINDS[options.kind]
    result = module.evaluate(options)
    if options.json != '-':
        print(module.readable(result))
    write_json(options.json, result)
    return 0
