"""`pointpng objects add FILE --name mug`: a mesh or cloud becomes an object of the library."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pointpng_core.cli.objects.options import (
    add_entry,
    add_library,
    add_unit,
    chosen_symmetry,
)
from pointpng_core.cli.output import say
from pointpng_core.io import MODEL_SUFFIXES
from pointpng_core.text import printable

if TYPE_CHECKING:
    from pointpng_core.reference.library.adding import AddedObject

HELP = 'check a mesh or cloud, copy it into the library and enter it there'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    kinds = ' '.join(suffix[1:] for suffix in MODEL_SUFFIXES)
    parser.add_argument('file', metavar='FILE', type=Path, help=f'mesh or cloud ({kinds})')
    add_entry(parser)
    add_unit(parser)
    add_library(parser)


def run(options: argparse.Namespace) -> int:
    """Add the object and print a summary; raises PointPngError."""
    from pointpng_core.reference.library.adding import add_object
    from pointpng_core.reference.library.bop_models import new_object
    new = new_object(options.file, name=options.name, unit=options.unit,
                     symmetry=chosen_symmetry(options.symmetry),
                     detect_symmetry=options.symmetry == 'auto')
    say(readable(add_object(options.library, new, replace=options.replace)))
    return 0


def readable(added: 'AddedObject') -> str:
    """Return a summary of the object that was added."""
    from pointpng_core.geometry.symmetry_text import symmetry_in_words
    size = ' x '.join(f'{1e3 * side:.0f}' for side in added.extent_m)
    kind = f'mesh, {added.faces} faces' if added.faces else f'cloud, {added.points} points'
    return '\n'.join(map(printable, [
        f'{added.name}: {added.path} ({kind})',
        f'  size      {size} mm (x, y, z), diameter {1e3 * added.diameter_m:.0f} mm',
        f'  symmetry  {symmetry_in_words(added.symmetry)}',
        *(f'  note      {note}' for note in added.notes),
        f'  next      pointpng objects show {added.name} --library {added.path.parent}']))
