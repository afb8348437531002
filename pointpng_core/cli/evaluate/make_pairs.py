"""`pointpng evaluate make-pairs --data SOURCE --out FILE.npz`: pairs for validation.

The file has the layout that `pointpng evaluate pose` reads. JSON: {"file", "pairs", "objects",
"left_out", "points", "seed"}: counts, points of a cloud, and the seed; the same seed makes the
same pairs.
"""

import argparse
from pathlib import Path
from typing import Any

from pointpng_core.cli.options import load_objects, not_negative, positive, report_progress, rule
from pointpng_core.cli.output import check_json_target
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io.units import UNIT_M

HELP = 'make a file of pairs: disjoint halves of clouds, or noisy depth views of meshes'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', metavar='SOURCE', required=True,
                        help='for --halves a source as of the other commands, its training split '
                             'unless it names another; for --views an npz of meshes, a folder of '
                             'meshes, or procedural:COUNT')
    parser.add_argument('--out', metavar='FILE.npz', type=Path, required=True,
                        help='file to write')
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument('--halves', action='store_true',
                      help='a pair of each object: disjoint samples of its points, one rotated')
    kind.add_argument('--views', metavar='N', type=positive,
                      help='N pairs of each object: points of its surface, and a view of it by a '
                           'depth camera at 0.5 to 0.9 m, in a random rotation')
    parser.add_argument('--unit', choices=tuple(UNIT_M), default='m',
                        help='unit of length of the meshes (default: m)')
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument('--keep', metavar='K[:R]', type=rule,
                        help='only the objects at positions R, R + K, R + 2 K ... (R counts from '
                             '0; meshes are sorted by name)')
    chosen.add_argument('--leave-out', metavar='K[:R]', type=rule,
                        help='all but these')
    parser.add_argument('--points', metavar='N', type=positive,
                        help='points of a cloud (default: 512 of a half, 2048 of a view)')
    parser.add_argument('--noise', metavar='LEVEL', type=not_negative,
                        help='of --views: noise of the depth camera, 0 for none (default: 1)')
    parser.add_argument('--jitter', metavar='SHARE', type=not_negative,
                        help='of --halves: deviation of the noise on both, in radii of the object '
                             '(default: 0)')
    parser.add_argument('--seed', metavar='N', type=int, default=0, help='(default: 0)')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Make the pairs and write them; raises PointPngError."""
    from pointpng_core.evaluation.pairs.files import write_pairs
    if options.seed < 0:
        raise ConfigError(f'--seed {options.seed}: must be at least 0')
    stray = 'noise' if options.halves else 'jitter'
    if getattr(options, stray) is not None:
        raise ConfigError(f'--{stray} {getattr(options, stray):g} has no effect on '
                          f'--{"halves" if options.halves else "views"}; leave it out')
    check_json_target(str(options.out))
    points = options.points or (512 if options.halves else 2048)
    objects, pairs = (_halves if options.halves else _views)(options, points)
    if not pairs:
        raise FileError(f'{options.data}: no object is left to make pairs of')
    write_pairs(options.out, pairs, about=_about(options))
    return {'file': str(options.out), 'pairs': len(pairs), 'objects': objects, 'points': points,
            'left_out': objects - len({pair.name for pair in pairs}), 'seed': options.seed}


def readable(result: dict[str, Any]) -> str:
    """Return one line about the file."""
    return (f'{result["file"]}: {result["pairs"]} pairs of {result["points"]} points, '
            f'{result["objects"]} objects, {result["left_out"]} of them left out')


def _halves(options: argparse.Namespace, points: int) -> tuple[int, list[Any]]:
    from pointpng_core.evaluation.pairs.generation import half_pairs
    objects, = load_objects([options.data], split='train', pool=2 * points, seed=options.seed)
    rows = _rows(options, len(objects.names))
    return len(rows), half_pairs(objects, rows, points=points, seed=options.seed,
                                 jitter=options.jitter or 0.0, report=report_progress)


def _views(options: argparse.Namespace, points: int) -> tuple[int, list[Any]]:
    from pointpng_core.evaluation.pairs.generation import view_pairs
    from pointpng_core.evaluation.pairs.mesh_sources import named_meshes
    from pointpng_core.simulation.noise import SensorErrors
    meshes = named_meshes(options.data, seed=options.seed, unit=options.unit)
    rows = _rows(options, len(meshes.names))
    noise = SensorErrors().scaled(1.0 if options.noise is None else options.noise)
    return len(rows), view_pairs(meshes, rows, views=options.views, points=points,
                                 report=report_progress, seed=options.seed, noise=noise)


def _rows(options: argparse.Namespace, count: int) -> list[int]:
    if options.keep:
        return [row for row in range(count) if row in options.keep]
    return [row for row in range(count) if not (options.leave_out and row in options.leave_out)]


def _about(options: argparse.Namespace) -> str:
    kind = 'disjoint halves' if options.halves else 'surface -> one depth view, metres'
    return (f'{kind} of {Path(options.data).name}, full SO(3), seed {options.seed}; for '
            'validation')
