"""`pointpng objects show NAME`: a picture of an object with its frame and its symmetry."""

import argparse
from pathlib import Path

from pointpng_core.cli.objects.options import add_library
from pointpng_core.cli.output import check_json_target, say
from pointpng_core.text import printable

HELP = 'picture of an object from four sides, its frame and its symmetry'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('name', metavar='NAME', help='of an object of the library')
    parser.add_argument('--out', metavar='PICTURE.png', type=Path,
                        help='where the picture goes (default: NAME.png)')
    add_library(parser)


def run(options: argparse.Namespace) -> int:
    """Draw the picture; raises PointPngError."""
    from pointpng_core.cli.objects.picture import save_object_picture
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.geometry.symmetry_text import symmetry_in_words
    from pointpng_core.io.object_library import named_object
    path = options.out or Path(f'{options.name}.png')
    check_json_target(str(path))
    found = named_object(options.library, options.name)
    reference = PoseEstimator().reference_from_model(found.model, name=found.name,
                                                     symmetry=found.symmetry)
    save_object_picture(path, found.model, reference)
    say(f'{found.name}: {printable(path)}\n  symmetry  {symmetry_in_words(reference.symmetry)}')
    return 0
