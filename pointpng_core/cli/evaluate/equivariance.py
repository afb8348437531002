"""`pointpng evaluate equivariance --model M --data SOURCE`: does the embedding rotate?

JSON: {"model": NAME, "pa", "ae", "cosine_plain", "objects": COUNT, "pairs": COUNT, "points",
"jitter" (diameters), "rotations", "seed", "angles": [{"low_deg", "high_deg", "pa", "ae",
"cosine_plain", "pairs"}], "sources": {NAME: {"pa", "ae", "cosine_plain", "pairs",
"objects"}}}. PA is the mean cosine of the predicted and the true embedding of a rotated sample,
"cosine_plain" that without prediction, AE their difference: 0 for an embedding that ignores
rotation, whatever its PA. The three are null for angles without a pair.
"""

import argparse
from typing import Any

from pointpng_core.cli.options import (
    add_data,
    add_model,
    load_objects,
    not_negative,
    positive,
    report_progress,
)
from pointpng_core.cli.output import number, table

HELP = 'PA and AE of a model: does the embedding rotate with its object?'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_model(parser)
    add_data(parser)
    parser.add_argument('--split', choices=('train', 'test', 'all'), default='test',
                        help='objects used of each source (default: test)')
    parser.add_argument('--objects', metavar='N', type=positive,
                        help='at most N objects of each source, spread evenly')
    parser.add_argument('--points', metavar='N', type=positive,
                        help='points of a sample (default: as many as the model takes); '
                             'objects with fewer than twice as many give half of theirs')
    parser.add_argument('--rotations', metavar='N', type=positive, default=1,
                        help='pairs of each object, each with another rotation (default: 1)')
    parser.add_argument('--jitter', metavar='D', type=not_negative, default=0.005,
                        help='noise of a point, in diameters (default: 0.005, which is 0.01 of '
                             'the unit ball)')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; raises PointPngError."""
    from pointpng_core.embedding.model_zoo import load_model
    from pointpng_core.evaluation.embedding.equivariance import evaluate_equivariance
    from pointpng_core.training.point_samples import cloud_points
    model = load_model(options.model, options.device)
    points = cloud_points(model.encoder, options.points)
    sets = load_objects(options.data, split=options.split, pool=2 * points, seed=options.seed)
    report_progress(f'{model.name}: {sum(len(objects.points) for objects in sets)} objects')
    return evaluate_equivariance(model, sets, objects=options.objects, points=points,
                                 rotations=options.rotations, jitter=options.jitter,
                                 seed=options.seed, device=options.device)


def readable(result: dict[str, Any]) -> str:
    """Return the table: all pairs, then each source, then each range of angles."""
    rows = [('all', result), *result['sources'].items()]
    rows += [(f'{angle["low_deg"]} to {angle["high_deg"]} degrees', angle)
             for angle in result['angles']]
    keys = ('pa', 'ae', 'cosine_plain')
    return table([result['model'], 'PA', 'AE', 'cos(z, z+)', 'pairs'],
                 [[name, *(number(values[key], 3) for key in keys), str(values['pairs'])]
                  for name, values in rows])
