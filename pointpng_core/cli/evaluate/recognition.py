"""`pointpng evaluate recognition --pairs FILE.npz --scenes N`: labels from the embedding alone.

Every observation is compared with all references of its source by the norms of its embedding, and
again without the right one, as an unknown object.

JSON: {"model": NAME, "threshold": SIMILARITY, "sources": {NAME: {"observations", "references",
"top_1", "top_3", "top_5", "auc", "known_kept", "unknown_rejected", "ms", "roc": [{"threshold",
"known_kept", "unknown_rejected"}]}}}. "top_5" is the share whose own reference is among the five
most similar; "auc" separates known from unknown objects; at the threshold, the share "known_kept"
of known objects gets a label, and "unknown_rejected" of unknown ones gets none.
"""

import argparse
from typing import Any

from pointpng_core.cli.evaluate.calibration import add_calibration_data, calibration_data
from pointpng_core.cli.options import add_model, report_progress, require_file
from pointpng_core.cli.output import number, table

HELP = 'labels from the embedding: top 1 to 5, and rejection of unknown objects'
_COLUMNS = {'observations': 'views', 'references': 'refs', 'top_1': 'top 1', 'top_3': 'top 3',
            'top_5': 'top 5', 'auc': 'AUC', 'known_kept': 'known kept',
            'unknown_rejected': 'unknown rejected', 'ms': 'ms'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_model(parser)
    add_calibration_data(parser)


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Rank and reject; raises PointPngError."""
    from pointpng_core.errors import ConfigError
    from pointpng_core.estimation.recognition import Recogniser
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.evaluation.embedding.recognition import (
        evaluate_recognition,
        observed_pairs,
        observed_scenes,
    )
    from pointpng_core.evaluation.pairs.files import read_pairs
    from pointpng_core.training.data import cache_folder
    for path in options.pairs:
        require_file(path)
    if not options.pairs and not options.scenes:
        raise ConfigError('nothing to recognise: give files of pairs, or a number of scenes')
    data = calibration_data(options)
    estimator = PoseEstimator(model=options.model, device=options.device,
                              cache_dir=cache_folder())
    recogniser = Recogniser(estimator.model, device=estimator.device,
                            viewpoint=estimator.config.viewpoint)
    observed = [observed_pairs(estimator, read_pairs(path, limit=data.limit), source=path.stem)
                for path in data.pairs]
    if data.scenes:
        observed.append(observed_scenes(estimator, data.objects, scenes=data.scenes,
                                        seed=data.seed))
    return {'model': estimator.model.name,
            **evaluate_recognition(recogniser, observed, report=report_progress)}


def readable(result: dict[str, Any]) -> str:
    """Return a row for each source."""
    rows = [[name, *(number(part[key], 3) for key in _COLUMNS)]
            for name, part in result['sources'].items()]
    return table([f'{result["model"]}, known from {result["threshold"]:.3f} on',
                  *_COLUMNS.values()], rows)
