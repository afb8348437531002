"""`pointpng objects KIND`: set up the objects of a robot cell, from meshes or recordings.

The library is the folder that the node takes as `objects`: see docs/objects.md.
"""

import argparse
from types import ModuleType

from pointpng_core.cli.objects import (
    add as objects_add,
)
from pointpng_core.cli.objects import (
    check as objects_check,
)
from pointpng_core.cli.objects import (
    from_bag as objects_from_bag,
)
from pointpng_core.cli.objects import (
    list as objects_list,
)
from pointpng_core.cli.objects import (
    sample as objects_sample,
)
from pointpng_core.cli.objects import (
    show as objects_show,
)

HELP = 'set up objects: add, from-bag, list, show, check'
_KINDS: dict[str, ModuleType] = {
    'add': objects_add, 'list': objects_list, 'show': objects_show, 'check': objects_check,
    'from-bag': objects_from_bag, 'sample': objects_sample}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    kinds = parser.add_subparsers(dest='kind', metavar=f'{{{",".join(_KINDS)}}}', required=True)
    for name, module in _KINDS.items():
        part = kinds.add_parser(name, help=module.HELP, description=module.HELP,
                                allow_abbrev=False)
        module.add_arguments(part)


def run(options: argparse.Namespace) -> int:
    """Run one of them; raises PointPngError."""
    return int(_KINDS[options.kind].run(options))
