"""`pointpng evaluate calibration --pairs FILE.npz --scenes N`: reliability of the confidence.

Poses of every observation are estimated with libraries with and without its object, and judged as
`pointpng_core.estimation.confidence` defines. Half of the objects of every source are for fitting,
the others are held out; all figures are of the held-out objects. Whole frames (`--frames`) cannot
be halved so: those to fit to are given by `--fit-frames`. `--fit OUT.json` fits a calibration to
the first half before.

JSON: {"model": NAME, "threshold", "ece", "brier", "bins": [{"low", "high", "count", "confidence",
"right"}], "curve": [{"threshold", "accepted", "wrong", "recall"}], "all": {"cases", "accepted",
"wrong", "wrong_count", "recall", "unknown", "unknown_accepted"}, "sources": {NAME: the same},
"weights": {"single_view": {FEATURE: WEIGHT}, "surface": {FEATURE: WEIGHT}, "frame": {FEATURE:
WEIGHT}}, "fitted": cases fitted to}. "wrong" is the share of the accepted poses that is wrong,
"recall" the share of the right poses that is accepted.
"""

import argparse
from pathlib import Path
from typing import Any

from pointpng_core.cli.options import (
    add_model,
    fraction,
    positive,
    report_progress,
    require_file,
    rule,
)
from pointpng_core.cli.output import check_json_target, number, table
from pointpng_core.errors import ConfigError

HELP = 'reliability of the confidence, and poses accepted at the threshold; can fit it'
_COLUMNS = {'cases': 'cases', 'unknown': 'unknown', 'accepted': 'accepted',
            'wrong': 'wrong of them', 'recall': 'right accepted',
            'unknown_accepted': 'unknown accepted'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_model(parser)
    add_calibration_data(parser)
    parser.add_argument('--calibration', metavar='FILE.json', type=Path,
                        help='calibration to judge (default: the one that ships with the package)')
    parser.add_argument('--fit', metavar='OUT.json', type=Path,
                        help='fit to the other half of the objects first, and write it there')
    parser.add_argument('--threshold', metavar='P', type=fraction,
                        help='confidence that is accepted (default: that of the pipeline)')
    parser.add_argument('--plot', metavar='FILE.png', type=Path,
                        help='picture of the reliability diagram and of risk over coverage')


def add_calibration_data(parser: argparse.ArgumentParser) -> None:
    """Declare the sources of observations."""
    parser.add_argument('--pairs', metavar='FILE.npz', type=Path, action='append', default=[],
                        help='pairs as `pointpng evaluate make-pairs` makes them; may be repeated')
    parser.add_argument('--limit', metavar='N', type=positive,
                        help='at most N pairs of each file, spread evenly')
    parser.add_argument('--scenes', metavar='N', type=positive,
                        help='also N simulated tables with each half of the objects, which '
                             'occlude one another')
    parser.add_argument('--meshes', metavar='SOURCE', action='append', default=[],
                        help='objects on the tables besides the catalogue: an npz of meshes, '
                             'a folder, or procedural:COUNT; may be repeated')
    parser.add_argument('--leave-out', metavar='K[:R]', type=rule,
                        help='without the meshes at positions R, R + K, R + 2 K ... (from 0) of '
                             'the first source')
    parser.add_argument('--frames', metavar='DATASET', type=Path, action='append', default=[],
                        help='whole frames in BOP layout, as `pointpng evaluate make-clutter` '
                             'makes them; may be repeated')
    parser.add_argument('--fit-frames', metavar='DATASET', type=Path, action='append', default=[],
                        help='the same for fitting: other scenes; may be repeated')
    parser.add_argument('--seed', metavar='N', type=int, default=0, help='(default: 0)')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Fit if asked for, then measure; raises PointPngError."""
    from pointpng_core.estimation.confidence import (
        MIN_CONFIDENCE,
        default_calibration,
        read_calibration,
    )
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.evaluation.confidence.calibration import fit_calibration, gather, judge
    from pointpng_core.evaluation.confidence.reliability import plot_calibration
    from pointpng_core.training.data import cache_folder
    for path in options.pairs:
        require_file(path)
    for target in (options.fit, options.plot):
        check_json_target(str(target) if target else None)
    calibration = read_calibration(options.calibration) if options.calibration \
        else default_calibration()
    estimator = PoseEstimator(model=options.model, device=options.device,
                              cache_dir=cache_folder())
    data, fitted = calibration_data(options), []
    if options.fit:
        fitted = gather(estimator, data, fitted=True, report=report_progress)
        calibration = fit_calibration(fitted, calibration)
        calibration.write(options.fit)
    result = judge(gather(estimator, data, fitted=False, report=report_progress), calibration,
                   threshold=MIN_CONFIDENCE if options.threshold is None else options.threshold)
    if options.plot:
        plot_calibration(result, options.plot)
    return {'model': estimator.model.name, **result, 'fitted': len(fitted)}


def calibration_data(options: argparse.Namespace) -> Any:
    """Return the CalibrationData that the options ask for; raises ConfigError, FileError."""
    from pointpng_core.evaluation.confidence.calibration import CalibrationData
    if options.seed < 0:
        raise ConfigError(f'--seed {options.seed}: must be at least 0')
    return CalibrationData(pairs=tuple(options.pairs), limit=options.limit, seed=options.seed,
                           scenes=options.scenes or 0, objects=tuple(_objects(options)),
                           frames=tuple(options.frames),
                           fitted_frames=tuple(options.fit_frames))


def _objects(options: argparse.Namespace) -> list[Any]:
    if not options.scenes:
        return []
    from pointpng_core.evaluation.confidence.scenes import table_objects
    from pointpng_core.evaluation.pairs.mesh_sources import named_meshes
    from pointpng_core.simulation.shapes.catalogue import make_object, object_names
    meshes: dict[str, Any] = {}
    for source in options.meshes:
        named = named_meshes(source, seed=options.seed)
        left_out = options.leave_out if source == options.meshes[0] else None
        meshes |= {name: named.read(row) for row, name in enumerate(named.names)
                   if not (left_out and row in left_out)}
    return [make_object(name) for name in object_names()] + table_objects(meshes)


def readable(result: dict[str, Any]) -> str:
    """Return the accepted shares of every source, and a line about the reliability."""
    rows = [[name, *(number(part[key], 3) for key in _COLUMNS)]
            for name, part in (('all', result['all']), *result['sources'].items())]
    return '\n'.join([
        table([f'{result["model"]}, accepted from {result["threshold"]:.2f} on',
               *_COLUMNS.values()], rows),
        f'ECE {number(result["ece"], 3)}, Brier {number(result["brier"], 3)}'])
