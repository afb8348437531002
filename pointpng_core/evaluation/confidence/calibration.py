"""Calibration of the confidence: fitted to some objects, judged on others."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.confidence import MIN_CONFIDENCE, Calibration, Weights
from pointpng_core.estimation.confidence.fitting import LEAST_CASES, fit_weights
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.cases import Case, pair_cases
from pointpng_core.evaluation.confidence.frames import frame_cases
from pointpng_core.evaluation.confidence.reliability import acceptance, reliability, risk_coverage
from pointpng_core.evaluation.confidence.scenes import scene_cases
from pointpng_core.evaluation.pairs.files import PosePair, read_pairs
from pointpng_core.io.bop import BopDataset
from pointpng_core.simulation.shapes.catalogue import CatalogueObject

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class CalibrationData:
    """The sources of cases."""

    pairs: tuple[Path, ...] = ()
    limit: int | None = None
    """Most pairs of each file, spread evenly."""
    objects: tuple[CatalogueObject, ...] = ()
    """Objects for the simulated tables."""
    scenes: int = 0
    """Tables for each half of the objects."""
    seed: int = 0
    frames: tuple[Path, ...] = ()
    """Datasets in BOP layout whose frames are judged."""
    fitted_frames: tuple[Path, ...] = ()
    """Others, of other scenes, whose frames are for fitting."""


def gather(estimator: PoseEstimator, data: CalibrationData, *, fitted: bool,
           report: Report = lambda line: None) -> list[Case]:
    """Return the cases of one half of the objects: the half for fitting, or the other one.

    The sorted names of every source alternate between the halves; the other references in a
    library are of the same half. Raises ConfigError, FileError.
    """
    half = 'to fit' if fitted else 'held out'
    cases: list[Case] = []
    for path in data.pairs:
        pairs = _half_of_pairs(read_pairs(path, limit=data.limit), fitted)
        cases += pair_cases(estimator, pairs, source=path.stem, seed=data.seed,
                            report=lambda line: report(f'{half}: {line}'))
    if data.scenes:
        names = half_of([item.name for item in data.objects], fitted)
        objects = [item for item in data.objects if item.name in names]
        cases += scene_cases(estimator, objects, scenes=data.scenes, seed=data.seed + fitted,
                             report=lambda line: report(f'{half}: {line}'))
    for folder in data.fitted_frames if fitted else data.frames:
        cases += frame_cases(estimator, BopDataset(folder), report=report)
    if not cases:
        raise ConfigError('nothing to calibrate with: give files of pairs, '
                          'a number of scenes, or datasets of frames')
    return cases


def half_of(names: Iterable[str], fitted: bool) -> set[str]:
    """Return every other one of the sorted names: those for fitting, or those held out."""
    return set(sorted(set(names))[0 if fitted else 1::2])


def fit_calibration(cases: Sequence[Case], start: Calibration) -> Calibration:
    """Return the calibration under which the cases are most likely.

    Single views or surfaces with few cases, compared with the other ones, keep the weights of
    `start`: a view is occasionally taken for a full surface. Raises ConfigError.
    """
    fitted = start
    for name in (field.name for field in fields(Calibration)):
        chosen = [case for case in cases if case.weights_name == name]
        if len(chosen) >= min(LEAST_CASES, (len(cases) + 1) // 2):
            weights = fit_weights(np.stack([case.features for case in chosen]),
                                  np.array([case.right for case in chosen]),
                                  type(getattr(start, name)))
            fitted = replace(fitted, **{name: weights})
    return fitted


def judge(cases: Sequence[Case], calibration: Calibration, *, threshold: float = MIN_CONFIDENCE
          ) -> dict[str, Any]:
    """Return how reliable a calibration is on cases, and which poses a threshold accepts.

    Returns {'threshold', 'ece', 'brier', 'bins', 'curve', 'all': acceptance, 'sources': {NAME:
    acceptance}, 'weights'}; see `evaluation.confidence.reliability`.
    """
    sure = np.array([_confidence(case, calibration) for case in cases])
    right = np.array([case.right for case in cases])
    known = np.array([case.known for case in cases])
    source = np.array([case.source for case in cases])
    parts = {name: source == name for name in dict.fromkeys(source.tolist())}
    return {'threshold': threshold, **reliability(sure, right),
            'curve': risk_coverage(sure, right),
            'all': acceptance(sure, right, known, threshold),
            'sources': {name: acceptance(sure[rows], right[rows], known[rows], threshold)
                        for name, rows in parts.items()},
            'weights': calibration.to_mapping()}


def _confidence(case: Case, calibration: Calibration) -> float:
    weights: Weights = getattr(calibration, case.weights_name)
    return float(weights.probability(case.features[None])[0])


def _half_of_pairs(pairs: Sequence[PosePair], fitted: bool) -> list[PosePair]:
    """Return the pairs of half of the objects; without names, every pair is an object."""
    names = [pair.name or f'{index:06d}' for index, pair in enumerate(pairs)]
    chosen = half_of(names, fitted)
    return [pair for name, pair in zip(names, pairs) if name in chosen]
