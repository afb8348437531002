"""`pointpng evaluate make-clutter --library DIR --out FOLDER`: scenes of objects, dropped.

Writes a dataset in the BOP layout with a scene for each kind, or `--scenes` of them, and an
overview.png. JSON: {"folder", "seed", "noise", "sensor": all errors of the depth camera
("profile" is "custom" where a number was given), "objects": of the library, "frames", "instances",
"overlap_mm": deepest contact, "scenes": {scene id: {"kind", "frames", "instances",
"visible_fraction": median, "overlap_mm", "dropped": scenes dropped until each frame had one at
rest}}}; clutter.json in the folder has the same without its name. The same seed gives the same
files.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointpng_core.cli.options import not_negative, positive, report_progress
from pointpng_core.cli.output import number, table
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.sensor_profiles import DEFAULT, PROFILES

if TYPE_CHECKING:
    from pointpng_core.io.object_library import ObjectModel
    from pointpng_core.simulation.noise import SensorErrors

HELP = 'make test scenes of your objects: on tables, in piles, bins and shelves, as a BOP dataset'

NOISE_DEPTH_M = 0.65
"""Depth that --noise-m is for: the middle of the distances of tables and bins."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--library', metavar='DIR', type=Path, help='object library of meshes')
    source.add_argument('--bop', metavar='DATASET', type=Path,
                        help='BOP dataset whose models are taken')
    parser.add_argument('--out', metavar='FOLDER', type=Path, required=True,
                        help='new folder to write')
    parser.add_argument('--kinds', metavar='KIND,...',
                        help='spaced, pile, mixed_bin, single_bin, side (default: all)')
    parser.add_argument('--scenes', metavar='N', type=positive, default=1,
                        help='folders of each kind (default: 1)')
    parser.add_argument('--frames', metavar='N', type=positive, default=8,
                        help='frames of each folder, each of a scene of its own (default: 8)')
    parser.add_argument('--sensor', metavar='SENSOR', default=DEFAULT,
                        help=f'depth camera: {", ".join(PROFILES)}, or options of its errors, '
                             f'such as axial_m=0.002,correlation_px=4 (default: {DEFAULT})')
    noise = parser.add_mutually_exclusive_group()
    noise.add_argument('--noise', metavar='LEVEL', type=not_negative, default=1.0,
                       help='how bad all errors of the camera are, 0 for none (default: 1)')
    noise.add_argument('--noise-m', metavar='SIGMA', type=not_negative,
                       help=f'standard deviation of depth at {NOISE_DEPTH_M} m (default: as the '
                            'camera has it)')
    parser.add_argument('--correlation-px', metavar='PX', type=not_negative,
                        help='distance of pixels at which the correlation of their noise is down '
                             'to 1/e (default: as the camera has it)')
    parser.add_argument('--seed', metavar='N', type=int, default=0, help='(default: 0)')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Make the scenes and write them; raises PointPngError."""
    from pointpng_core.simulation.clutter.dataset import write_clutter
    from pointpng_core.simulation.clutter.kinds import KINDS
    from pointpng_core.training.data import cache_folder
    if options.seed < 0:
        raise ConfigError(f'--seed {options.seed}: must be at least 0')
    kinds = KINDS if options.kinds is None else options.kinds.split(',')
    result = write_clutter(options.out, _models(options), kinds=kinds, scenes=options.scenes,
                           frames=options.frames, seed=options.seed, noise_level=options.noise,
                           sensor=_sensor(options), cache=cache_folder().with_name('convex_parts'),
                           report=report_progress)
    return {'folder': str(options.out), **result}


def readable(result: dict[str, Any]) -> str:
    """Return a table of the scenes."""
    rows = [[scene_id, scene['kind'], str(scene['frames']), str(scene['instances']),
             number(scene['visible_fraction']), number(scene['overlap_mm']),
             str(scene['dropped'])] for scene_id, scene in result['scenes'].items()]
    header = ['scene', 'kind', 'frames', 'objects', 'visible', 'overlap mm', 'dropped']
    return (f'{table(header, rows, left=(0, 1))}\n{result["folder"]}: {result["frames"]} frames, '
            f'{result["instances"]} posed objects; overview.png shows them')


def _sensor(options: argparse.Namespace) -> 'SensorErrors':
    """Return the depth camera of --sensor, with the noise that is asked for."""
    from dataclasses import replace

    from pointpng_core.simulation.noise import SensorErrors
    errors = SensorErrors.parse(options.sensor)
    if options.noise_m is not None:
        errors = errors.with_sigma(options.noise_m, NOISE_DEPTH_M)
    if options.correlation_px is not None:
        errors = replace(errors.effective, correlation_px=options.correlation_px)
    return errors


def _models(options: argparse.Namespace) -> 'list[ObjectModel]':
    from pointpng_core.io.bop import BopDataset
    from pointpng_core.io.object_library import ObjectModel, load_library
    if options.library is not None:
        return load_library(options.library)
    return [ObjectModel(name=item.name, model=item.model, symmetry=item.symmetry, path=item.path)
            for item in BopDataset(options.bop).objects()]
