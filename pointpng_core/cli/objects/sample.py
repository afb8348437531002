"""`pointpng objects sample DIR`: files to try the other commands with."""

import argparse
from pathlib import Path

from pointpng_core.cli.output import say
from pointpng_core.text import printable

HELP = 'write a mesh, a bag and a view to try the other commands with'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('folder', metavar='DIR', type=Path, help='a new folder')


def run(options: argparse.Namespace) -> int:
    """Write the files and name them; raises PointPngError."""
    from pointpng_core.simulation.sample_files import write_sample
    mesh, bag, view = write_sample(options.folder)
    for line in (f'{mesh}  the mesh of a mug, in millimetres',
                 f'{bag}  a bag: a drill on a turntable before a depth camera',
                 f'{view}  the mug as the camera sees it'):
        say(printable(line))
    return 0
