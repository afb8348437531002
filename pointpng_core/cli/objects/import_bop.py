"""`pointpng objects import-bop DATASET`: the objects of a BOP dataset become a library."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pointpng_core.cli.objects.options import (
    add_library,
    add_replace,
    add_symmetry,
    chosen_symmetry,
)
from pointpng_core.cli.output import say
from pointpng_core.text import printable

if TYPE_CHECKING:
    from pointpng_core.io.bop import BopObject
    from pointpng_core.reference.library.adding import AddedObject, NewObject

HELP = 'add the objects of a BOP dataset, with their symmetries'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('dataset', metavar='DATASET', type=Path,
                        help='folder of the dataset, which has models/ or models_.../')
    parser.add_argument('--models', metavar='NAME',
                        help='folder of meshes in it (default: models)')
    parser.add_argument('--objects', metavar='ID,ID...', type=_ids,
                        help='only these (default: all)')
    add_symmetry(parser, default='what models_info.json says; auto where it gives none to any '
                                 'object')
    add_library(parser)
    add_replace(parser)


def run(options: argparse.Namespace) -> int:
    """Add the objects and print a line for each; raises PointPngError."""
    from pointpng_core.io.bop import BopDataset
    from pointpng_core.reference.library.bop_models import chosen_objects, import_objects
    items = BopDataset(options.dataset, models=options.models).objects()
    new = [_new(item, options.symmetry) for item in chosen_objects(items, options.objects)]
    width = max(len(item.name) for item in new)
    for item, added in zip(new, import_objects(options.library, new, replace=options.replace)):
        say(readable(added, item.notes, width=width))
    library = printable(options.library)
    say(f'{len(new)} objects in {library}; next: pointpng objects check --library {library}')
    return 0


def readable(added: 'AddedObject', notes: Sequence[str], *, width: int) -> str:
    """Return a line about an object, and one for each note about its symmetry."""
    from pointpng_core.geometry.symmetry_text import symmetry_in_words
    return '\n'.join([f'{added.name:<{width}}  {1e3 * added.diameter_m:4.0f} mm  '
                      f'symmetry {symmetry_in_words(added.symmetry)}',
                      *(f'  note  {printable(note)}' for note in notes)])


def _new(item: 'BopObject', symmetry: str | None) -> 'NewObject':
    """Return an object with the symmetry of the dataset, or with the one that is asked for."""
    from dataclasses import replace

    from pointpng_core.reference.library.bop_models import as_new_object
    new = as_new_object(item)
    return replace(new, symmetry=chosen_symmetry(symmetry), notes=()) if symmetry else new


def _ids(text: str) -> list[int]:
    words = text.split(',')
    if not all(word.isascii() and word.isdigit() and len(word) <= 9 for word in words):
        raise argparse.ArgumentTypeError(f'{text!r} is no list of object ids such as 1,5')
    return [int(word) for word in words]
