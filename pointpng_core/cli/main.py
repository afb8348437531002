"""The command `pointpng`.

Commands, and what else takes time, are imported within `main`, so that a missing package is
answered with what to do about it and Ctrl-C ends that quietly, too. Heavy packages are imported
where they are used, so that help is instant.
"""

import argparse
from collections.abc import Mapping, Sequence
import importlib
import sys
from typing import cast

from pointpng_core import __version__
from pointpng_core.cli.command import Command, ForwardedCommand
from pointpng_core.cli.intermixed import IntermixedParser
from pointpng_core.cli.streams import with_streams
from pointpng_core.errors import PointPngError

ERROR_CODE = 2
INTERRUPTED_CODE = 130
CORE_COMMANDS = ('calibrate-sensor', 'estimate', 'evaluate', 'frames', 'objects', 'train')
EXTRA_OF = {'rich': 'demo', 'matplotlib': 'demo', 'h5py': 'train', 'sklearn': 'train',
            'pyarrow': 'parquet', 'ray': 'cluster', 'cv2': 'bench', 'coacd': 'sim',
            'mujoco': 'sim'}
"""The extra of setup.py that installs a package which not every installation has."""
REQUIRED = ('PIL', 'mapbox_earcut', 'numpy', 'open3d', 'roma', 'rosbags', 'safetensors', 'scipy',
            'setuptools', 'small_gicp', 'torch', 'trimesh', 'yaml')


def main(arguments: Sequence[str] | None = None, *,
         forwarded: Mapping[str, ForwardedCommand] | None = None,
         fixes: Mapping[str, str] | None = None) -> int:
    """Run one command and return the exit code; errors are one line on stderr and code 2.

    `forwarded` are commands that other packages add. `fixes` says what to do about packages of
    theirs that are missing, by name. The code is 130 after Ctrl-C; for an output that cannot be
    written see `with_streams`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return with_streams(lambda: _guarded(words, forwarded or {}, fixes or {}))


def _guarded(words: list[str], forwarded: Mapping[str, ForwardedCommand],
             fixes: Mapping[str, str]) -> int:
    """Run one command; what it raises for a user becomes a line and a code."""
    try:
        from pointpng_core.cli.output import show_warnings
        show_warnings()
        return _dispatch(words, forwarded)
    except PointPngError as error:
        return _report(str(error))
    except ModuleNotFoundError as error:
        fix = _fix_for(error, fixes)
        if fix is None:
            raise
        return _report(f'{error}: {fix}')
    except OSError as error:
        if error.filename is None:
            raise
        return _report(f'cannot use {error.filename}: {error.strerror}')
    except KeyboardInterrupt:
        return INTERRUPTED_CODE


def _dispatch(words: list[str], forwarded: Mapping[str, ForwardedCommand]) -> int:
    if words and words[0] in forwarded:
        return forwarded[words[0]].run(words[1:])
    parser = _parser(forwarded)
    options = parser.parse_args(words)
    if options.command is None:
        parser.print_help()
        return 0
    return _core_command(options.command).run(options)


def _parser(forwarded: Mapping[str, ForwardedCommand]) -> argparse.ArgumentParser:
    parser = IntermixedParser(
        prog='pointpng', allow_abbrev=False,
        description='Relative 6-DoF poses from point clouds.',
        epilog='pointpng COMMAND --help shows its options; --ros-args work as with `ros2 run`.')
    parser.add_argument('--version', action='version', version=f'pointpng {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND',
                                     parser_class=IntermixedParser)
    for name, command in forwarded.items():
        commands.add_parser(name, help=command.help, add_help=False)
    for name in CORE_COMMANDS:
        module = _core_command(name)
        part = commands.add_parser(name, help=module.HELP, description=module.HELP,
                                   allow_abbrev=False)
        module.add_arguments(part)
    return parser


def module_name(command: str) -> str:
    """Return the name of the module of a command of the core."""
    return command.replace('-', '_')


def _core_command(name: str) -> Command:
    return cast(Command, importlib.import_module(f'pointpng_core.cli.{module_name(name)}'))


def _fix_for(error: ModuleNotFoundError, fixes: Mapping[str, str]) -> str | None:
    """Return what to do about a missing package; None when it is not one of ours."""
    package = (error.name or '').partition('.')[0]
    if package in fixes:
        return fixes[package]
    if package in EXTRA_OF:
        return f"`pip install 'pointpng_ros[{EXTRA_OF[package]}]'`"
    if package in REQUIRED:
        return (f'this Python ({sys.executable}) lacks it; under colcon, build with the Python of '
                'the environment that has it: `python3 -m colcon build`')
    return None


def _report(message: str) -> int:
    from pointpng_core.cli.output import say  # loads numpy
    say(f'pointpng: error: {message}', error=True)
    return ERROR_CODE


if __name__ == '__main__':
    sys.exit(main())
