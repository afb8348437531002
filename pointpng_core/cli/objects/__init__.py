"""`pointpng objects KIND`: set up the objects of a robot cell, from meshes or recordings.

The library is the folder that the node takes as `objects`: see docs/objects.md.
"""

import argparse

from pointpng_core.cli.command import Command
from pointpng_core.cli.objects import add, check, from_bag, import_bop, list_objects, sample, show

HELP = 'set up objects: add, from-bag, import-bop, list, show, check, sample'
KINDS: dict[str, Command] = {'add': add, 'list': list_objects, 'show': show, 'check': check,
                             'from-bag': from_bag, 'import-bop': import_bop, 'sample': sample}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    kinds = parser.add_subparsers(dest='kind', metavar=f'{{{",".join(KINDS)}}}', required=True)
    for name, kind in KINDS.items():
        part = kinds.add_parser(name, help=kind.HELP, description=kind.HELP, allow_abbrev=False)
        kind.add_arguments(part)


def run(options: argparse.Namespace) -> int:
    """Run one of them; raises PointPngError."""
    return KINDS[options.kind].run(options)
