"""`pointpng objects list`: the objects of a library, and entries that cannot be used."""

import argparse
import os
from pathlib import Path
from typing import Any

from pointpng_core.cli.objects.options import add_library
from pointpng_core.cli.output import say, table
from pointpng_core.errors import LibraryError, PointPngError
from pointpng_core.text import printable

HELP = 'name, file, unit, size and symmetry of every object'
_HEADER = ('name', 'file', 'unit', 'diameter', 'symmetry')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_library(parser)


def run(options: argparse.Namespace) -> int:
    """Print the table; 1 when an object cannot be used. Raises PointPngError."""
    entries = _entries(options.library)
    rows, problems = [], []
    for position, entry in enumerate(entries):
        row, problem = _row(options.library, position, entry)
        rows.append(row)
        problems += [problem] if problem else []
    say(table(_HEADER, rows, left=(0, 1, 4)) if rows
        else f'no objects in {printable(options.library)}')
    if problems:
        say(''.join(f'\nerror: {problem}' for problem in problems))
    return 1 if problems else 0


def _entries(library: Path) -> list[Any]:
    from pointpng_core.io.object_library import OBJECTS_FILE
    from pointpng_core.reference.library.yaml_edit import entries_in, read_text
    source = library / OBJECTS_FILE
    if not os.path.exists(source):       # False, not an error, for what can be no path
        raise LibraryError(f'there is no {source}: add an object with `pointpng objects add`, or '
                           'name another folder with --library')
    return entries_in(read_text(source), where=f'{source}')


def _row(library: Path, position: int, entry: Any) -> tuple[list[str], str]:
    """Return the row of an entry, and its problem or an empty text."""
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.geometry.symmetry_text import symmetry_in_words
    from pointpng_core.io.object_library import OBJECTS_FILE, read_object
    cells = [str(entry.get(key, default)) if isinstance(entry, dict) else '-'
            for key, default in (('name', '-'), ('file', '-'), ('unit', 'm'))]
    try:
        found = read_object(library / OBJECTS_FILE, position, entry)
        reference = PoseEstimator().reference_from_model(found.model, name=found.name,
                                                         symmetry=found.symmetry)
    except PointPngError as error:
        return [*cells, '-', 'cannot be used'], str(error)
    origin = '' if found.symmetry else ' (found)'
    return [*cells, f'{1e3 * reference.diameter_m:.0f} mm',
            symmetry_in_words(reference.symmetry) + origin], ''
