"""`pointpng endurance`: load and soak of the node before a simulated camera, with a verdict."""

import argparse
from collections.abc import Sequence
import dataclasses
from pathlib import Path
import sys
import tempfile

from rich.console import Console

from pointpng_core.cli.output import check_json_target, say_on, write_json
from pointpng_core.cli.printable_parser import PrintableParser
from pointpng_ros.demo.processes import Children
from pointpng_ros.demo.recording import own_environment, recording
from pointpng_ros.demo.runs import TRUTH_TOPIC, exit_code
from pointpng_ros.demo.summary import Summary
from pointpng_ros.endurance.figures import figure_table
from pointpng_ros.endurance.run import EnduranceRun
from pointpng_ros.endurance.settings import EnduranceConfig


def main(args: Sequence[str] | None = None) -> int:
    """Run; 0 when all bounds were kept, 1 when one was broken or a process died, 130 on Ctrl-C."""
    options = _parser().parse_args(args)
    return exit_code('endurance', lambda: _perform(options))


def _perform(options: argparse.Namespace) -> Summary:
    check_json_target(options.json)
    config, console = _config(options), Console(stderr=options.json == '-')
    with own_environment(options.domain_id) as environment, \
            tempfile.TemporaryDirectory(prefix='pointpng_endurance_') as folder, \
            Children(environment) as children, \
            recording(cloud_topic='', truth_topic=TRUTH_TOPIC) as recorder:
        summary = EnduranceRun(config, children=children, recorder=recorder,
                               folder=Path(folder) / 'objects', console=console).go()
    _print_summary(summary, console)
    write_json(options.json, {**summary, 'config': dataclasses.asdict(config)})
    return summary


def _print_summary(summary: Summary, console: Console) -> None:
    console.print(figure_table(summary))
    for words in summary['broken']:
        say_on(console, f'bound broken: {words}')
    say_on(console, 'passed' if summary['passed'] else 'FAILED')


def _config(options: argparse.Namespace) -> EnduranceConfig:
    """Return defaults, updated by YAML file and options; raises ConfigError, FileError."""
    config = (EnduranceConfig.from_yaml(options.config) if options.config
              else EnduranceConfig())
    given = {name: getattr(options, name) for name in ('minutes', 'rate_hz', 'scene_s', 'objects',
                                                       'seed', 'model')}
    return dataclasses.replace(config, **{k: v for k, v in given.items() if v is not None})


def _parser() -> argparse.ArgumentParser:
    parser = PrintableParser(prog='pointpng endurance', description=(
        'Load and soak: a simulated camera and the node over DDS, every pose compared with the '
        'truth, memory and handles watched. Exit code 1 when a bound is broken.'))
    add = parser.add_argument
    add('--minutes', type=float, help='length of the run (default: 1)')
    add('--scene-s', type=float, metavar='S',
        help='soak: change the scene after so many seconds (default: never)')
    add('--rate-hz', type=float, help='clouds a second of the camera (default: 30)')
    add('--objects', metavar='NAMES', help='objects of the first scene (default: eight)')
    add('--seed', type=int, help='seed of the scenes')
    add('--model', help='model of the node (default: training_free)')
    add('--config', type=Path, metavar='FILE', help='YAML file of all settings and bounds')
    add('--json', metavar='FILE', help='write all figures there, - for stdout')
    add('--domain-id', type=int, metavar='N', help='ROS domain (default: one of its own)')
    return parser


if __name__ == '__main__':
    sys.exit(main())
