"""Options that several kinds of `pointpng objects` share."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pointpng_core.io.units import UNIT_M

if TYPE_CHECKING:
    from pointpng_core.geometry import Symmetry

VARIABLE = 'POINTPNG_OBJECTS'


def add_library(parser: argparse.ArgumentParser) -> None:
    """Declare --library."""
    parser.add_argument('--library', metavar='DIR', type=Path,
                        default=Path(os.environ.get(VARIABLE) or 'objects'),
                        help=f'folder of the library (default: ${VARIABLE}, else ./objects; '
                             'now %(default)s)')


def add_unit(parser: argparse.ArgumentParser) -> None:
    """Declare --unit, None by default."""
    parser.add_argument('--unit', choices=tuple(UNIT_M),
                        help='unit of length of the file (default: mm for a model of a BOP '
                             'dataset, else m)')


def add_entry(parser: argparse.ArgumentParser) -> None:
    """Declare --name, --symmetry and --replace."""
    parser.add_argument('--name', required=True,
                        help='what the object is called: letters, digits and underscores')
    add_symmetry(parser, default='auto, or what models_info.json beside a BOP model says')
    add_replace(parser)


def add_symmetry(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Declare --symmetry, None by default."""
    parser.add_argument('--symmetry', choices=('auto', 'none'),
                        help='auto: detected on the surface; none: markings that are not in the '
                             f'surface break its symmetry (default: {default})')


def add_replace(parser: argparse.ArgumentParser) -> None:
    """Declare --replace."""
    parser.add_argument('--replace', action='store_true',
                        help='overwrite the object of this name')


def chosen_symmetry(word: str | None) -> 'Symmetry | None':
    """Return no symmetry for none, and None, which is to detect it, for auto."""
    from pointpng_core.geometry import Symmetry
    return Symmetry() if word == 'none' else None
