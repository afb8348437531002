"""Curves of accuracy over the level of a perturbation, all methods on the same pairs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from pointpng_core.embedding.model_zoo import TRAINING_FREE, load_model
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.evaluation.pairs.files import PosePair, read_pairs
from pointpng_core.evaluation.pose.methods import Method, PointPng, own_methods
from pointpng_core.evaluation.pose.perturbations import Rng, fewer, hidden, misaligned, noisy
from pointpng_core.evaluation.pose.pose_benchmark import Row, errors_of, summarise

OWN = ('pointpng', 'embedding')
KEPT = ('recall_5deg', 'rotation_median_deg', 'as_good_as_truth', 'ms_median')
JUDGED_BY = {'angle': ('recall_5deg', 'rotation_median_deg'),
             'surface': ('as_good_as_truth', 'add_s_median_percent')}
"""The share and the error that are shown: by the rotation angle, or, for objects that may be
symmetric, by the position of the surface."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A perturbation and its levels."""

    title: str
    unit: str
    levels: tuple[float, ...]
    perturb: Callable[[PosePair, float, Rng], PosePair]
    local: bool = False
    """Whether ICP without a global search takes part."""


CURVES = {
    'occlusion': Curve(title='occluded part of the observation', unit='%', perturb=hidden,
                       levels=(0, 10, 20, 30, 40, 50, 60, 70)),
    'noise': Curve(title='noise added to the observation', unit='% of the diameter',
                   perturb=noisy, levels=(0, 0.5, 1, 2, 3, 5)),
    'points': Curve(title='points of the observation', unit='', perturb=fewer,
                    levels=(64, 128, 256, 512, 1024, 2048)),
    'misalignment': Curve(title='initial misalignment', unit='degrees', perturb=misaligned,
                          levels=(0, 15, 30, 45, 60, 90, 120, 150, 180), local=True)}

Levels = Sequence[float]


def evaluate_curves(path: Path, *, wanted: Mapping[str, Levels | None], judged_by: str = 'angle',
                    baselines: bool = True, limit: int | None = None, threads: int = 1,
                    device: str = 'cpu', model: str | Path = TRAINING_FREE, seed: int = 0,
                    report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Measure curves on a file of pairs: this project's methods, and the baselines if asked for.

    `wanted` names the curves, each with its levels or None for its own. Returns {'file', 'pairs',
    'model', 'threads', 'seed', 'judged_by', 'curves': as of `measure_curves`}. Raises FileError,
    ConfigError.
    """
    pairs = read_pairs(path, limit=limit)
    curves = {name: _at(CURVES[name], levels, pairs) for name, levels in wanted.items()}
    torch.set_num_threads(threads)
    loaded = load_model(model, device)
    methods = [method for method in own_methods(EstimatorConfig(), models=[loaded], device=device,
                                                gradient=False) if method.name in OWN]
    local: list[Method] = []
    if baselines:
        from pointpng_core.evaluation.pose.baselines import LocalIcp, all_baselines
        methods, local = methods + all_baselines(threads), [LocalIcp(threads)]
    measured = measure_curves(pairs, curves, methods, local=local, seed=seed, report=report)
    return {'file': path.name, 'pairs': len(pairs), 'model': loaded.name, 'threads': threads,
            'seed': seed, 'judged_by': judged_by, 'curves': measured}


def measure_curves(pairs: Sequence[PosePair], curves: Mapping[str, Curve],
                   methods: Sequence[Method], *, local: Sequence[Method] = (), seed: int = 0,
                   report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Return {curve: {'title', 'unit', 'levels', 'methods': {name: {key: values by level}}}}.

    A method prepares each source once for all curves. `local` methods take part in the curves
    that ask for them.
    """
    ready = {method.name: _prepared(method, pairs, report) for method in (*methods, *local)}
    results = {}
    for name, curve in curves.items():
        part: dict[str, dict[str, list[float]]] = {}
        for level in curve.levels:
            report(f'{name}: {level:g} {curve.unit}'.rstrip())
            harder = [curve.perturb(pair, level, np.random.default_rng([seed, index]))
                      for index, pair in enumerate(pairs)]
            for method in (*methods, *(local if curve.local else ())):
                _append(part.setdefault(method.name, {}),
                        _rows(method, ready[method.name], harder))
        results[name] = {'title': curve.title, 'unit': curve.unit,
                         'levels': list(curve.levels), 'methods': part}
    return results


def _at(curve: Curve, levels: Levels | None, pairs: Sequence[PosePair]) -> Curve:
    """Return the curve at other levels, or at those of its own that the pairs allow.

    Levels that were asked for but are impossible raise ConfigError, before anything is measured.
    """
    def possible(level: float) -> bool:
        try:
            for pair in pairs:
                curve.perturb(pair, level, np.random.default_rng(0))
        except ConfigError:
            if levels is not None:
                raise
            return False
        return True
    kept = tuple(level for level in levels or curve.levels if possible(level))
    return Curve(title=curve.title, unit=curve.unit, levels=kept, perturb=curve.perturb,
                 local=curve.local)


def _prepared(method: Method, pairs: Sequence[PosePair], report: Callable[[str], None]
              ) -> list[Any]:
    """Return what a method prepares for each pair, the same source once, and warm it up."""
    report(f'{method.name}: preparing')
    known: dict[bytes, Any] = {}
    for pair in pairs:
        key = pair.source.tobytes()
        if key not in known:
            known[key] = method.prepare(pair.source)
    method.register(known[pairs[0].source.tobytes()], pairs[0].target)
    return [known[pair.source.tobytes()] for pair in pairs]


def _rows(method: Method, ready: Sequence[Any], pairs: Sequence[PosePair]) -> list[Row]:
    rows = []
    for prepared, pair in zip(ready, pairs):
        start = perf_counter()
        T, _ = _register(method, prepared, pair)
        spent_ms = (perf_counter() - start) * 1e3
        rows.append({**errors_of(T, pair), 'ms': spent_ms})
    return rows


def _register(method: Method, prepared: Any, pair: PosePair) -> Any:
    """Register a target; the pipeline distinguishes occluded from missing surface."""
    if isinstance(method, PointPng):
        return method.register(prepared, pair.target, pair.scene_points)
    return method.register(prepared, pair.target)


def _append(columns: dict[str, list[float]], rows: list[Row]) -> None:
    summary = summarise(rows)
    values = {key: summary[key] for key in KEPT}
    values['add_s_median_percent'] = 100.0 * float(np.median([row['add_s'] for row in rows]))
    for key, value in values.items():
        columns.setdefault(key, []).append(value)
