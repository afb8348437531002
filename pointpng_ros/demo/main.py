"""`pointpng demo`: see the node at work, with its errors beside it, and a verdict."""

import argparse
from collections.abc import Sequence
import dataclasses
import json
import os
from pathlib import Path
import sys
import tempfile

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from pointpng_core.cli.output import say_on
from pointpng_core.cli.printable_parser import PrintableParser
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.simulation.worlds import SCENES
from pointpng_ros.demo.animation import Animation
from pointpng_ros.demo.bag_run import BagRun
from pointpng_ros.demo.frame_log import FrameRecord
from pointpng_ros.demo.picture import save_picture
from pointpng_ros.demo.processes import Children
from pointpng_ros.demo.recorder import Recorder
from pointpng_ros.demo.recording import Session, own_environment, recording
from pointpng_ros.demo.runs import CLOUD_TOPIC, TRUTH_TOPIC, Run, exit_code
from pointpng_ros.demo.settings import DemoConfig
from pointpng_ros.demo.simulated_run import SimulatedRun
from pointpng_ros.demo.summary import Summary
from pointpng_ros.demo.table import LiveView


def main(args: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when it passed, 1 when it failed or broke, 130 after Ctrl-C."""
    options = _parser().parse_args(args)
    return exit_code('demo', lambda: _checked(options))


def _checked(options: argparse.Namespace) -> Summary:
    _check_targets(options)
    config = _config(options)
    return _perform(_run_of(options, config), config, options, Console())


def _perform(run: Run, config: DemoConfig, options: argparse.Namespace,
             console: Console) -> Summary:
    animation = Animation() if options.animation else None
    with own_environment(options.domain_id) as environment, \
            tempfile.TemporaryDirectory(prefix='pointpng_demo_') as folder, \
            Children(environment) as children:
        run.start(children, Path(folder))
        with recording(cloud_topic=CLOUD_TOPIC, truth_topic=TRUTH_TOPIC) as recorder:
            session = Session(recorder, children, config)
            say_on(console, 'starting; the node prepares its references first ...')
            with LiveView(console) as view:
                frames = session.stream(lambda record: _on_frame(record, run, view, recorder,
                                                                 animation))
            children.stop()
            summary = run.conclude(frames)
            run.print_summary(console, summary)
            _save(run, recorder, frames, options, console)
            if animation is not None:
                count = animation.save(options.animation, run.meshes())
                say_on(console, f'animation of {count} frames in {options.animation}')
    if options.json:
        options.json.write_text(json.dumps(summary, indent=2) + '\n', encoding='utf-8')
        say_on(console, f'figures in {options.json}')
    return summary


def _on_frame(record: FrameRecord, run: Run, view: LiveView, recorder: Recorder,
              animation: Animation | None) -> None:
    """Show a processed frame, and keep it for the animation when one is due."""
    run.show(view, record)
    time_s = record.stamp_ns / 1e9
    if animation is not None and animation.wants(time_s):
        cloud = recorder.cloud_at(record.stamp_ns)
        if cloud is not None:
            animation.add(time_s, _visible_points(cloud), run.picture(record)[1])


def _visible_points(cloud: PointCloud) -> NDArray[np.float32]:
    """Return the points (N, 3) before the camera."""
    return cloud.points[cloud.points[:, 2] > 0]     # false for NaN too


def _save(run: Run, recorder: Recorder, frames: Sequence[FrameRecord],
          options: argparse.Namespace, console: Console) -> None:
    """Draw the newest processed frame whose cloud is still there."""
    for record in reversed(frames):
        cloud = recorder.cloud_at(record.stamp_ns)
        if cloud is not None:
            title, objects = run.picture(record)
            save_picture(options.picture, _visible_points(cloud), objects, run.meshes(),
                         title=title, refused=record.refused)
            say_on(console, f'picture of the last frame in {options.picture}')
            return
    say_on(console, 'no picture: the node was so late that its clouds are gone')


def _run_of(options: argparse.Namespace, config: DemoConfig) -> Run:
    if options.bag:
        return BagRun(bag=options.bag, objects=options.objects)
    return SimulatedRun(config)


def _config(options: argparse.Namespace) -> DemoConfig:
    """Return defaults, updated by YAML file and options; raises ConfigError, FileError."""
    config = DemoConfig.from_yaml(options.config) if options.config else DemoConfig()
    given = {'seconds': options.seconds, 'rate_hz': options.rate_hz, 'seed': options.seed,
             'scene': options.scene, 'objects': options.names, 'noise': options.noise}
    if options.seconds is None and os.environ.get('DEMO_SECONDS'):
        given['seconds'] = _seconds_of_environment()
    return dataclasses.replace(config, **{k: v for k, v in given.items() if v is not None})


def _check_targets(options: argparse.Namespace) -> None:
    """Check before the run that the output files can be written; raises ConfigError."""
    for name, path in (('--picture', options.picture), ('--animation', options.animation),
                       ('--json', options.json)):
        if path is not None and (path.is_dir() or not path.resolve().parent.is_dir()):
            raise ConfigError(f'{name} {path}: give a file in a folder that exists')
    if options.picture.suffix.lower() != '.png':
        raise ConfigError(f'--picture {options.picture}: its name must end in .png')
    if options.animation is not None and options.animation.suffix.lower() != '.webp':
        raise ConfigError(f'--animation {options.animation}: its name must end in .webp')


def _seconds_of_environment() -> float:
    text = os.environ['DEMO_SECONDS']
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f'DEMO_SECONDS = {text!r}: give a number of seconds') from error


def _parser() -> argparse.ArgumentParser:
    parser = PrintableParser(prog='pointpng demo', description=(
        'A simulated depth camera and the pose node as two processes over DDS, a live table of '
        'errors against the truth, a summary and a picture. Exit code 1 when too few objects in '
        'view were posed, or too many published poses were wrong.'))
    add = parser.add_argument
    add('--seconds', type=float, help='length of the run (default: $DEMO_SECONDS, or 30)')
    add('--bag', type=Path, metavar='PATH', help='play a recorded bag instead; there is no truth')
    add('--objects', type=Path, metavar='DIR',
        help='object library for the bag; without it, the first cloud shows the references')
    add('--scene', choices=SCENES, help='tabletop: objects apart from each other, moving; '
        'clutter: a pile of touching and leaning ones (default: tabletop)')
    add('--names', metavar='NAMES', help='objects on the tabletop, separated by commas')
    add('--seed', type=int, help='seed of the simulated scene')
    add('--rate-hz', type=float, help='frames a second of the simulated camera')
    add('--noise', type=float, help='sensor noise: 0 is ideal, 1 a Kinect')
    add('--config', type=Path, metavar='FILE', help='YAML file of all settings')
    add('--picture', type=Path, metavar='FILE', default=Path('demo.png'),
        help='picture of the last frame (default: demo.png)')
    add('--animation', type=Path, metavar='FILE',
        help='moving picture of the first seconds, an animated WebP')
    add('--json', type=Path, metavar='FILE', help='keep the summary as JSON')
    add('--domain-id', type=int, metavar='N', help='ROS domain (default: one of its own)')
    return parser


if __name__ == '__main__':
    sys.exit(main())
