"""Labels from the embedding: rank of the right reference, and rejection of unknown objects."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.recognition import Recogniser
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.scenes import SOURCE, simulated_tables
from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.reference import Reference
from pointpng_core.simulation.shapes.catalogue import CatalogueObject

PLACES = (1, 3, 5)
LEAST_POINTS = 100
"""Points from which on an object on a table counts; with fewer, little of it is visible."""
ROC_POINTS = 41
Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """Observations of one source with the names of their objects, and its references."""

    source: str
    names: tuple[str, ...]
    clouds: tuple[NDArray[np.float32], ...]
    references: tuple[Reference, ...]


def observed_pairs(estimator: PoseEstimator, pairs: Sequence[PosePair], *, source: str
                   ) -> Observed:
    """Return the targets of pairs; the references are the sources, each object once."""
    names = tuple(pair.name or f'{source}_{index}' for index, pair in enumerate(pairs))
    models = {name: pair.source for name, pair in zip(names, pairs)}
    return Observed(source=source, names=names, clouds=tuple(pair.target for pair in pairs),
                    references=tuple(estimator.reference_from_model(points, name=name)
                                     for name, points in models.items()))


def observed_scenes(estimator: PoseEstimator, objects: Sequence[CatalogueObject], *, scenes: int,
                    seed: int) -> Observed:
    """Return the visible parts of objects on simulated tables, by their true masks."""
    names, clouds = [], []
    for frame in simulated_tables(objects, scenes=scenes, seed=seed):
        readable = np.isfinite(frame.points).all(axis=-1)
        for index, truth in enumerate(frame.truths):
            cloud = frame.points[(frame.owner == index) & readable]
            if len(cloud) >= LEAST_POINTS:
                names.append(truth.label)
                clouds.append(cloud)
    return Observed(source=SOURCE, names=tuple(names), clouds=tuple(clouds),
                    references=tuple(estimator.reference_from_model(
                        item.mesh, name=item.name, symmetry=item.symmetry)
                        for item in objects))


def evaluate_recognition(recogniser: Recogniser, observed: Iterable[Observed], *,
                         report: Report = lambda line: None) -> dict[str, Any]:
    """Rank all references for every observation, with and without the right one.

    Returns {'threshold', 'sources': {NAME: {'observations', 'references', 'top_1', 'top_3',
    'top_5', 'auc', 'known_kept', 'unknown_rejected', 'ms', 'roc': [{'threshold', 'known_kept',
    'unknown_rejected'}]}}}: shares in [0, 1], ms per observation. Without its reference the object
    is unknown; it is rejected when the best similarity is below the threshold. AUC is the
    probability that the best similarity of a known object is above that of an unknown one. Raises
    ConfigError.
    """
    threshold = recogniser.config.least_similarity
    sources = {}
    for part in observed:
        report(f'{part.source}: {len(part.names)} observations, {len(part.references)} references')
        if len(part.references) < 2 or not part.names:
            raise ConfigError(f'{part.source}: {len(part.references)} references and '
                              f'{len(part.names)} observations; at least 2 and 1 are needed')
        start = perf_counter()
        similarity = np.concatenate([recogniser.similarities([cloud], part.references)
                                     for cloud in part.clouds])
        spent_ms = (perf_counter() - start) * 1e3 / len(part.clouds)
        sources[part.source] = {**summary(similarity, _own(part), threshold), 'ms': spent_ms}
    return {'threshold': threshold, 'sources': sources}


def summary(similarity: NDArray[np.float64], own: NDArray[np.int64], threshold: float
            ) -> dict[str, Any]:
    """Return the figures of similarities (O, R), where `own` (O,) are the right references."""
    rows = np.arange(len(own))
    place = (similarity > similarity[rows, own][:, None]).sum(axis=1)
    without = similarity.copy()
    without[rows, own] = -np.inf
    known, unknown = similarity.max(axis=1), without.max(axis=1)
    ticks = np.quantile(np.concatenate((known, unknown)), np.linspace(0, 1, ROC_POINTS))
    return {'observations': len(own), 'references': similarity.shape[1],
            **{f'top_{count}': float((place < count).mean()) for count in PLACES},
            'auc': auc(known, unknown), **_rates(known, unknown, threshold),
            'roc': [{'threshold': float(tick), **_rates(known, unknown, tick)}
                    for tick in np.unique(ticks)]}


def auc(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve: the share of pairs in which the known one is higher."""
    above = (known[:, None] > unknown).mean()
    return float(above + 0.5 * (known[:, None] == unknown).mean())


def _rates(known: NDArray[np.float64], unknown: NDArray[np.float64], threshold: float
           ) -> dict[str, float]:
    return {'known_kept': float((known >= threshold).mean()),
            'unknown_rejected': float((unknown < threshold).mean())}


def _own(part: Observed) -> NDArray[np.int64]:
    place = {reference.name: index for index, reference in enumerate(part.references)}
    return np.array([place[name] for name in part.names])
