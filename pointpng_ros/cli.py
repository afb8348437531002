"""The command `pointpng` with the commands that need ROS beside those of the core."""

import argparse
from collections.abc import Sequence
from functools import partial
import importlib
import importlib.util
import json
import sys

from pointpng_core.cli.command import ForwardedCommand
from pointpng_core.cli.main import main as core_main
from pointpng_core.cli.printable_parser import PrintableParser
from pointpng_core.errors import MissingDependencyError

ROS_COMMANDS = {
    'run': ('pointpng_ros.nodes.pose_estimator',
            'the node: poses of the objects in clouds or depth images'),
    'sim': ('pointpng_ros.nodes.sim_camera', 'a simulated depth camera over a table'),
    'play': ('pointpng_ros.nodes.bag_player', 'publish the clouds or depth images of a bag'),
    'demo': ('pointpng_ros.demo.main', 'camera and node together, with a live table'),
    'endurance': ('pointpng_ros.endurance.main', 'load and soak of the node, with a verdict'),
}
_ROS_HINT = ("`pip install 'pointpng_ros[ros]'` for the wheels on PyPI, or source the setup.bash "
             'of a ROS 2 installation')
_ROS_PACKAGES = ('rclpy', 'ament_index_python', 'builtin_interfaces', 'diagnostic_msgs',
                 'geometry_msgs', 'rcl_interfaces', 'sensor_msgs', 'std_msgs', 'std_srvs',
                 'visualization_msgs')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code, as `pointpng_core.cli.main.main` does."""
    forwarded = {name: ForwardedCommand(help=text, run=partial(_run, name))
                 for name, (_, text) in ROS_COMMANDS.items()}
    return core_main(arguments, forwarded=forwarded, fixes=dict.fromkeys(_ROS_PACKAGES, _ROS_HINT))


def node_arguments(words: Sequence[str]) -> list[str]:
    """Return ROS arguments for the options of `pointpng run`; others pass through."""
    options, rest = _run_parser().parse_known_args(words)
    ros_arguments: list[str] = []
    if options.params_file:
        ros_arguments += ['--params-file', options.params_file]
    values = {name: getattr(options, name)
              for name in ('cloud_topic', 'depth_topic', 'objects', 'model')}
    if options.depth_topic is not None:
        values['input'] = 'depth'
    for name, value in values.items():
        if value is not None:  # quoted: ROS reads values as YAML, where 7 is a number
            ros_arguments += ['-p', f'{name}:={json.dumps(value, ensure_ascii=False)}']
    return [*rest, '--ros-args', *ros_arguments] if ros_arguments else rest


def _run(command: str, words: list[str]) -> int:
    """Run a ROS command; raises MissingDependencyError without ROS."""
    words = node_arguments(words) if command == 'run' else words
    if importlib.util.find_spec('rclpy') is None:
        raise MissingDependencyError(f'`pointpng {command}` needs ROS 2 (rclpy): {_ROS_HINT}')
    return importlib.import_module(ROS_COMMANDS[command][0]).main(words) or 0


def _run_parser() -> argparse.ArgumentParser:
    parser = PrintableParser(
        prog='pointpng run', allow_abbrev=False,
        description='The node pose_estimator: poses of the objects in clouds or depth images.',
        epilog='All other arguments go to the node, for example: --ros-args -p device:=cuda')
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--cloud-topic', metavar='TOPIC',
                        help='PointCloud2 topic (default: /camera/depth/points)')
    source.add_argument('--depth-topic', metavar='TOPIC',
                        help='depth images instead: Image topic, with CameraInfo on camera_info '
                             'beside it')
    parser.add_argument('--objects', metavar='DIR',
                        help='object library (objects.yaml); without one, the first cloud shows '
                             'the objects')
    parser.add_argument('--model', metavar='MODEL',
                        help='embedding that drives the search: training_free (default), a '
                             'shipped model, or the folder of a checkpoint or training run')
    parser.add_argument('--params-file', metavar='FILE',
                        help='ROS parameter file; config/pose_estimator.yaml lists all')
    return parser


if __name__ == '__main__':
    sys.exit(main())
