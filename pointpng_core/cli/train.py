"""`pointpng train --data SOURCE --out RUN`: train a model on bags, files and folders.

    pointpng train --data table.mcap --out runs/table             the configuration `small`
    pointpng train --config config/train_small.yaml --out runs/small --resume
    pointpng train --config config/train_steerable.yaml --out runs/mine --minutes 30 --resume
    torchrun --nproc-per-node 4 -m pointpng_core.cli.train --config ... --out ...

The model is RUN/model: `pointpng run --model RUN/model`, or the node's parameter `model`.
"""

import argparse
from pathlib import Path
import sys
from typing import Any

from pointpng_core.cli.options import not_negative
from pointpng_core.cli.output import say
from pointpng_core.cli.printable_parser import PrintableParser
from pointpng_core.cli.streams import with_streams
from pointpng_core.config import parse_yaml, read_yaml_mapping
from pointpng_core.errors import ConfigError, FileError, PointPngError
from pointpng_core.text import shown

HELP = 'train a model on bags, files and folders'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument('--out', metavar='RUN', type=Path, required=True,
                        help='folder of the run: checkpoints, metrics.jsonl, curves.png, model')
    parser.add_argument('--data', metavar='SOURCE', action='append', default=[],
                        help='PATH[,weight=2][,topic=/x][,split=all]: a bag, .npz, .h5, a folder '
                             'of meshes or clouds, or procedural[:COUNT]; may be repeated')
    parser.add_argument('--config', metavar='FILE', type=Path,
                        help='YAML with values of TrainConfig (config/train_*.yaml)')
    parser.add_argument('--set', metavar='NAME=VALUE', action='append', default=[],
                        help='one value of the configuration, as in YAML: --set png_steps=2000 '
                             '--set model.cope=harmonic')
    parser.add_argument('--init', metavar='MODEL', help='checkpoint or model to start from')
    parser.add_argument('--resume', action='store_true',
                        help='go on after the newest checkpoint of RUN, if there is one')
    parser.add_argument('--minutes', metavar='M', type=not_negative,
                        help='stop after so many minutes with a checkpoint; the same command with '
                             '--resume goes on (default: train to the end)')
    parser.add_argument('--device', help='torch device: cpu, cuda, cuda:N')


def run(options: argparse.Namespace) -> int:
    """Train to the end or until the minutes are over; raises PointPngError."""
    config = effective_config(options)
    from pointpng_core.cli.training_progress import make_reporter
    from pointpng_core.training.signals import TimeUp
    from pointpng_core.training.trainer import train
    with make_reporter() as reporter:
        try:
            metrics = train(config, options.out, resume=options.resume, reporter=reporter,
                            minutes=options.minutes)
        except TimeUp:
            return 0
        values = ', '.join(f'{name} {value:.3f}' for name, value in metrics.items())
        reporter.line(f'model: {options.out / "model"} ({values})')
    return 0


def effective_config(options: argparse.Namespace) -> Any:
    """Return the TrainConfig of the options; a run that goes on needs none. Raises ConfigError."""
    from pointpng_core.training.config import TrainConfig
    kept = options.out / 'config.yaml'
    if options.resume and not options.config and kept.exists():
        mapping = read_yaml_mapping(kept)
    else:
        mapping = read_yaml_mapping(options.config) if options.config else {}
    for text in options.set:
        _assign(mapping, text)
    given = {'sources': options.data, 'init': options.init, 'device': options.device}
    mapping |= {name: value for name, value in given.items() if value}
    if not mapping.get('sources'):
        raise ConfigError('nothing to train on: name a bag, a file or a folder with --data')
    return TrainConfig.from_mapping(mapping)


def _assign(mapping: dict[str, Any], text: str) -> None:
    """Put 'a.b=value' into a nested mapping."""
    name, sign, value = text.partition('=')
    if not sign:
        raise ConfigError(f'--set {text}: expected NAME=VALUE')
    *parents, last = name.split('.')
    for parent in parents:
        mapping = mapping.setdefault(parent, {})
        if not isinstance(mapping, dict):
            raise ConfigError(f'--set {text}: {parent} is not a group of values')
    try:
        mapping[last] = parse_yaml(value, where=shown(value))
    except FileError as error:
        raise ConfigError(f'--set {text}: {error}') from error


def main() -> int:
    """Run as a module, which torchrun does; an error is one line on stderr and code 2."""
    parser = PrintableParser(prog='pointpng train', description=HELP, allow_abbrev=False)
    add_arguments(parser)
    return with_streams(lambda: _guarded(parser))


def _guarded(parser: argparse.ArgumentParser) -> int:
    try:
        return run(parser.parse_args())
    except PointPngError as error:
        say(f'pointpng: error: {error}', error=True)
        return 2


if __name__ == '__main__':
    sys.exit(main())
