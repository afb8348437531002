"""The benchmark of relative poses: every method on the same pairs, in one process."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from pointpng_core.embedding.model_zoo import TRAINING_FREE, load_model
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.observation_kind import seen_from_outside
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.pairs.files import PosePair, object_names, read_pairs
from pointpng_core.evaluation.pairs.split_rule import SplitRule
from pointpng_core.evaluation.pose.methods import (
    Matrix,
    Method,
    PointPng,
    Tracking,
    own_methods,
    perturbed,
)
from pointpng_core.evaluation.pose.metrics import (
    add_s,
    as_good_as_truth,
    extent_diagonal,
    rotation_error_deg,
)

Row = dict[str, float]


def evaluate_pose(pairs: Path, *, baselines: bool, limit: int | None = None,
                  config: EstimatorConfig | None = None, threads: int = 1, device: str = 'cpu',
                  model: str | Path = TRAINING_FREE, gradient: bool = False,
                  unseen: SplitRule | None = None,
                  report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Run this project's methods, and the baselines if asked for, on a file of pairs.

    The methods are 'pointpng', the whole pipeline, and 'embedding', the best rotation in the
    embedding space of `model` without registration; with `gradient` also 'embedding, algorithm 1'.
    For a learned model, the same methods with the training-free model are added under its name.
    'bidirectional', unless all targets are single views, is the pipeline with
    `verification.bidirectional`; 'tracking' starts at the true pose with errors of 8 degrees and
    4 % of the diameter.

    Returns {'pairs': count, 'file', 'threads', 'model', 'methods': {name: summary}}; with
    `unseen`, a rule over the sorted names of the file's objects, also 'parts': {'seen' and
    'unseen': {'pairs', 'methods'}}. `report` is called with the method that is running. Times are
    milliseconds per observation; preparing a source is timed apart (`reference_ms`). `threads`
    applies to torch and small_gicp; Open3D takes OMP_NUM_THREADS from the environment it was
    started in. Raises FileError.
    """
    pose_pairs = read_pairs(pairs, limit=limit)
    unseen_names = unseen.taken(object_names(pairs)) if unseen else set()
    torch.set_num_threads(threads)
    models = [load_model(model, device)]
    if models[0].name != TRAINING_FREE:
        models.append(load_model(TRAINING_FREE, device))
    config = config or EstimatorConfig()
    methods = own_methods(config, models=models, device=device, gradient=gradient)
    if not all(seen_from_outside(pair.target) for pair in pose_pairs):
        both = replace(config, verification=replace(config.verification, bidirectional=True))
        methods.append(PointPng(PoseEstimator(config=both, device=device, model=models[0]),
                                name='bidirectional'))
    methods.append(Tracking(PoseEstimator(config=config, device=device, model=models[0])))
    if baselines:
        from pointpng_core.evaluation.pose.baselines import all_baselines
        methods += all_baselines(threads)
    rows = {}
    for method in methods:
        report(f'{method.name}: {len(pose_pairs)} pairs')
        rows[method.name] = run(method, pose_pairs)
    result = {'file': pairs.name, 'threads': threads, 'model': models[0].name,
              **_summary(rows, [True] * len(pose_pairs))}
    if unseen:
        apart = [pair.name in unseen_names for pair in pose_pairs]
        result['parts'] = {'seen': _summary(rows, [not flag for flag in apart]),
                           'unseen': _summary(rows, apart)}
    return result


def _summary(rows: dict[str, list[Row]], wanted: list[bool]) -> dict[str, Any]:
    return {'pairs': sum(wanted), 'methods': {
        name: summarise([row for row, flag in zip(own, wanted) if flag])
        for name, own in rows.items() if any(wanted)}}


def run(method: Method, pairs: list[PosePair]) -> list[Row]:
    """Return errors and times of a method on every pair, after one untimed pair."""
    _measure(method, pairs[0])
    return [_measure(method, pair) for pair in pairs]


def _measure(method: Method, pair: PosePair) -> Row:
    if isinstance(method, Tracking):
        method.expect(perturbed(pair))
    start = perf_counter()
    prepared = method.prepare(pair.source)
    ready = perf_counter()
    T, stage_ms = method.register(prepared, pair.target)
    done = perf_counter()
    return {**errors_of(T, pair), 'ms': (done - ready) * 1e3,
            'reference_ms': (ready - start) * 1e3,
            **{f'stage_{stage}': spent for stage, spent in stage_ms.items()}}


def errors_of(T_estimate: Matrix, pair: PosePair) -> Row:
    """Return rotation_deg, add_s as a share of the source's diagonal, and as_good_as_truth."""
    truth = pair.T_target_source
    good = as_good_as_truth(pair.source, pair.target, T_estimate, truth)
    return {'rotation_deg': rotation_error_deg(T_estimate, truth), 'as_good_as_truth': float(good),
            'add_s': add_s(pair.source, T_estimate, truth) / extent_diagonal(pair.source)}


def summarise(rows: list[Row]) -> dict[str, Any]:
    """Return means, medians, shares and percentiles of the rows; shares lie in [0, 1]."""
    def column(key: str) -> np.ndarray:
        return np.array([row.get(key, 0.0) for row in rows])

    angle, distance, spent = column('rotation_deg'), column('add_s'), column('ms')
    stages = dict.fromkeys(key for row in rows for key in row if key.startswith('stage_'))
    return {
        'rotation_mean_deg': float(angle.mean()), 'rotation_median_deg': float(np.median(angle)),
        'rotation_max_deg': float(angle.max()), 'recall_5deg': float((angle < 5.0).mean()),
        **{f'adds_{percent}': float((distance < percent / 100).mean()) for percent in (2, 5, 10)},
        'as_good_as_truth': float(column('as_good_as_truth').mean()),
        'ms_median': float(np.median(spent)), 'ms_p95': float(np.percentile(spent, 95)),
        'reference_ms': float(np.median(column('reference_ms'))),
        'stage_ms': {key.removeprefix('stage_'): float(np.median(column(key))) for key in stages}}
