"""Options that several kinds of `pointpng objects` share."""

import argparse
import os
from pathlib import Path

from pointpng_core.io.units import UNIT_M

VARIABLE = 'POINTPNG_OBJECTS'


def add_library(parser: argparse.ArgumentParser) -> None:
    """Declare --library."""
    parser.add_argument('--library', metavar='DIR', type=Path,
                        default=Path(os.environ.get(VARIABLE) or 'objects'),
                        help=f'folder of the library (default: ${VARIABLE}, else ./objects; '
                             'now %(default)s)')


def add_unit(parser: argparse.ArgumentParser) -> None:
    """Declare --unit."""
    parser.add_argument('--unit', default='m', choices=tuple(UNIT_M),
                        help='unit of length of the file (default: m)')


def add_entry(parser: argparse.ArgumentParser) -> None:
    """Declare --name, --symmetry and --replace."""
    parser.add_argument('--name', required=True,
                        help='what the object is called: letters, digits and underscores')
    parser.add_argument('--symmetry', choices=('auto', 'none'), default='auto',
                        help='auto: detected on the surface (default); none: markings that are '
                             'not in the surface break its symmetry')
    parser.add_argument('--replace', action='store_true',
                        help='overwrite the object of this name')
