"""`pointpng objects from-bag BAG --name mug`: a recording from all sides becomes a model.

One object on a table: it rotates in place before a camera at rest, or the camera is carried
around it. JSON: the fields of `ReconstructedModel` in
`pointpng_core.reference.reconstruction.recording`, and "path", the mesh in the library.
"""

import argparse
import dataclasses
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING, Any

from pointpng_core.cli.objects.add import readable as readable_object
from pointpng_core.cli.objects.options import add_entry, add_library, chosen_symmetry
from pointpng_core.cli.output import check_json_target, number, say, write_json
from pointpng_core.text import printable

if TYPE_CHECKING:
    from pointpng_core.reference.reconstruction.recording import ReconstructedModel

POOR_LOOP_DEG, POOR_LOOP_M = 8.0, 0.008
"""Drift of a full rotation above which the model may be warped."""
HELP = 'fuse a recording of one object, seen from all sides, to a model'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('bag', metavar='BAG', type=Path, help='MCAP, sqlite3 or ROS 1 bag')
    add_entry(parser)
    add_library(parser)
    parser.add_argument('--topic', help='PointCloud2 topic, where the bag has several')
    parser.add_argument('--near', nargs=3, type=float, metavar=('X', 'Y', 'Z'),
                        help='the object near this place in the first cloud, metres in its frame '
                             '(default: the largest)')
    parser.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')


def run(options: argparse.Namespace) -> int:
    """Fuse the recording and add the model to the library; raises PointPngError."""
    import numpy as np

    from pointpng_core.cli.training_progress import make_reporter
    from pointpng_core.io import write_mesh
    from pointpng_core.reference.library.adding import NewObject, add_object, check_free
    from pointpng_core.reference.reconstruction.recording import reconstruct_bag
    check_json_target(options.json)
    check_free(options.library, options.name, replace=options.replace)
    near = np.array(options.near) if options.near else None
    with make_reporter() as reporter:
        model = reconstruct_bag(options.bag, topic=options.topic, near=near,
                                progress=reporter.progress)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f'{options.name}.ply'
        write_mesh(file, model.mesh)
        added = add_object(options.library, NewObject(file=file, name=options.name,
                                                      symmetry=chosen_symmetry(options.symmetry)),
                           replace=options.replace)
    if options.json != '-':
        say(readable(model) + '\n' + readable_object(added))
    write_json(options.json, {**_facts(model), 'name': added.name, 'path': str(added.path),
                              'diameter_m': added.diameter_m})
    return 0


def readable(model: 'ReconstructedModel') -> str:
    """Return lines about the quality of the recording."""
    loop = f'{model.loop.rotation_deg:.1f} degrees and {1e3 * model.loop.shift_m:.1f} mm' \
        if model.loop else 'not closed: less than a full rotation'
    lines = [f'{model.clouds} clouds: {model.used} used, {model.still} show nothing new, '
             f'{model.refused} do not fit, {model.unusable} not usable',
             f'  rotation  {model.rotation_deg:.0f} degrees, '
             f'widest gap {model.widest_gap_deg:.0f}',
             f'  loop      {loop}',
             f'  residual  {number(1e3 * model.residual_m)} mm']
    if model.loop and (model.loop.rotation_deg > POOR_LOOP_DEG
                       or model.loop.shift_m > POOR_LOOP_M):
        lines.append('  note      the loop closed badly: look at the picture, and record more '
                     'slowly or from nearer')
    if model.observable_share < 1.0:
        percent = 100 * (1 - model.observable_share)
        lines.append(f'  note      in {percent:.0f} % of the clouds the '
                     'rotation is not observable (a handle is hidden); there it is interpolated')
    lines += [f'  note      {count} times: {reason}' for reason, count in model.reasons.items()]
    lines += [f'  note      {model.damage}'] if model.damage else []
    return '\n'.join(map(printable, lines))


def _facts(model: 'ReconstructedModel') -> dict[str, Any]:
    facts = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)
             if field.name != 'mesh'}
    return facts | {'loop': dataclasses.asdict(model.loop) if model.loop else None,
                    'faces': len(model.mesh.faces)}
