"""The command `pointpng`. Everything is imported where it is used, so that help is instant."""

import argparse
from collections.abc import Callable, Sequence
import importlib
import importlib.util
import json
import sys

from pointpng_core import __version__
from pointpng_core.errors import MissingDependencyError, PointPngError

ERROR_CODE = 2
INTERRUPTED_CODE = 130
_CORE_COMMANDS = ('estimate', 'evaluate', 'frames', 'objects', 'train')
_ROS_COMMANDS = {
    'run': ('pointpng_ros.nodes.pose_estimator',
            'the node: poses of the objects in a PointCloud2'),
    'sim': ('pointpng_ros.nodes.sim_camera', 'a simulated depth camera over a table'),
    'play': ('pointpng_ros.nodes.bag_player', 'publish the clouds of a bag'),
    'demo': ('pointpng_ros.demo.main', 'camera and node together, with a live table'),
    'endurance': ('pointpng_ros.endurance.main', 'load and soak of the node, with a verdict'),
}
_EXTRA_OF = {'rich': 'demo', 'matplotlib': 'demo', 'h5py': 'train', 'sklearn': 'train'}
_REQUIRED = ('numpy', 'open3d', 'roma', 'rosbags', 'safetensors', 'scipy', 'small_gicp', 'torch',
             'yaml')
_ROS_HINT = ("`pip install 'pointpng_ros[ros]'` for the wheels on PyPI, or source the setup.bash "
             'of a ROS 2 installation')
_ROS_PACKAGES = ('rclpy', 'ament_index_python', 'builtin_interfaces', 'diagnostic_msgs',
                 'geometry_msgs', 'rcl_interfaces', 'sensor_msgs', 'std_msgs', 'std_srvs',
                 'visualization_msgs')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; errors are one line on stderr and code 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(words)
    except PointPngError as error:
        return _report(str(error))
    except ModuleNotFoundError as error:
        fix = _fix_for(error)
        if fix is None:
            raise
        return _report(f'{error}: {fix}')
    except KeyboardInterrupt:
        return INTERRUPTED_CODE


def node_arguments(words: Sequence[str]) -> list[str]:
    """Turn the friendly options of `pointpng run` into ROS arguments; others pass through."""
    options, rest = _run_parser().parse_known_args(words)
    ros_arguments: list[str] = []
    if options.params_file:
        ros_arguments += ['--params-file', options.params_file]
    for name in ('cloud_topic', 'objects', 'model'):
        value = getattr(options, name)
        if value is not None:  # quoted: ROS reads values as YAML, where 7 is a number
            ros_arguments += ['-p', f'{name}:={json.dumps(value, ensure_ascii=False)}']
    return [*rest, '--ros-args', *ros_arguments] if ros_arguments else rest


def _dispatch(words: list[str]) -> int:
    if words and words[0] in _ROS_COMMANDS:
        command, rest = words[0], words[1:]
        rest = node_arguments(rest) if command == 'run' else rest
        return _ros_main(command)(rest) or 0
    parser = _parser()
    options = parser.parse_args(words)
    if options.command is None:
        parser.print_help()
        return 0
    module = importlib.import_module(f'pointpng_core.cli.{options.command}')
    return int(module.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='pointpng', allow_abbrev=False,
        description='Relative 6-DoF poses from point clouds.',
        epilog='pointpng COMMAND --help tells more; --ros-args work as with `ros2 run`.')
    parser.add_argument('--version', action='version', version=f'pointpng {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    for name, (_, text) in _ROS_COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    for name in _CORE_COMMANDS:
        module = importlib.import_module(f'pointpng_core.cli.{name}')
        part = commands.add_parser(name, help=module.HELP, description=module.HELP,
                                   allow_abbrev=False)
        module.add_arguments(part)
    return parser


def _run_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='pointpng run', allow_abbrev=False,
        description='The node pose_estimator: poses of the objects in a PointCloud2.',
        epilog='All other arguments go to the node, for example: --ros-args -p device:=cuda')
    parser.add_argument('--cloud-topic', metavar='TOPIC',
                        help='PointCloud2 topic (default: /camera/depth/points)')
    parser.add_argument('--objects', metavar='DIR',
                        help='object library (objects.yaml); without one, the first cloud shows '
                             'the objects')
    parser.add_argument('--model', metavar='MODEL',
                        help='embedding that drives the search: training_free (default), a '
                             'shipped model, or the folder of a checkpoint or training run')
    parser.add_argument('--params-file', metavar='FILE',
                        help='ROS parameter file; config/pose_estimator.yaml lists all')
    return parser


def _ros_main(command: str) -> Callable[[list[str]], int | None]:
    """Import the entry point of a ROS command; raises MissingDependencyError without ROS."""
    if importlib.util.find_spec('rclpy') is None:
        raise MissingDependencyError(f'`pointpng {command}` needs ROS 2 (rclpy): {_ROS_HINT}')
    return importlib.import_module(_ROS_COMMANDS[command][0]).main


def _fix_for(error: ModuleNotFoundError) -> str | None:
    """Return what to do about a missing package; None when it is none that we ask for."""
    package = (error.name or '').partition('.')[0]
    if package in _ROS_PACKAGES:
        return _ROS_HINT
    if package in _EXTRA_OF:
        return f"`pip install 'pointpng_ros[{_EXTRA_OF[package]}]'`"
    if package in _REQUIRED:
        return (f'this Python ({sys.executable}) lacks it; under colcon, build with the Python of '
                'the environment that has it: `python3 -m colcon build`')
    return None


def _report(message: str) -> int:
    print(f'pointpng: error: {message}', file=sys.stderr)
    return ERROR_CODE


if __name__ == '__main__':
    sys.exit(main())
