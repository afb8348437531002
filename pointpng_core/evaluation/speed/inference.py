"""Speed of poses: single observations, and many against many references in one batch.

The observations are noisy depth views of random solids, the references the meshes of the solids.
The poses that are timed are judged as well, so that speed at the cost of wrong poses shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from pointpng_core.embedding.devices import synchronise
from pointpng_core.embedding.model_zoo import TRAINING_FREE
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.cases import LabelledObservation
from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.evaluation.pairs.generation import view_pairs
from pointpng_core.evaluation.pairs.mesh_sources import PROCEDURAL, named_meshes
from pointpng_core.evaluation.speed.memory import peak_memory_mb, reset_peak_memory
from pointpng_core.reference import Reference
from pointpng_core.timing import stages_end_with

POINTS = 2048
"""Points of an observation, and of the surface by which poses are judged."""
WARM_UPS = 2
"""Untimed runs: the first runs fill caches, and load kernels on a GPU."""
REST = 'rest'
"""Time that no other stage counts: the summary of all hypotheses."""
Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BatchSize:
    """The size of one batch."""

    observations: int = 64
    references: int = 20
    views: int = 60
    """Views of each reference."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BenchmarkScene:
    """Labelled observations, and the references of all objects in them."""

    observations: Sequence[LabelledObservation]
    references: Sequence[Reference]

    def own(self, seen: LabelledObservation) -> Reference:
        """Return the reference of the object in an observation."""
        return next(known for known in self.references if known.name == seen.name)


def bench_batch(size: BatchSize, *, repeats: int = 5, threads: int = 1, device: str = 'cpu',
                model: str | Path = TRAINING_FREE, config: EstimatorConfig | None = None,
                seed: int = 0, report: Report = lambda line: None) -> dict[str, Any]:
    """Time single objects and whole batches on a device; raises ConfigError, FileError.

    Returns {"model", "device", "threads", "observations", "references", "views", "repeats",
    "reference_s", "peak_mb", "single" and "batch": {"ms", "poses_per_s", "right_label",
    "right_pose", "stage_ms": {STAGE: MS}}}. "single" is each observation alone against its own
    reference, "batch" all observations against all references; a pose is the best one of an
    observation. Times are medians over the observations and over `repeats`; those of the stages
    are of runs of their own, in which every stage waits for the device.
    """
    torch.set_num_threads(threads)
    config = config or EstimatorConfig()
    config = replace(config, reference=replace(config.reference, views=size.views))
    estimator = PoseEstimator(config=config, device=device, model=model)
    report(f'{size.observations} views of {size.references} solids')
    start = perf_counter()
    scene, reference_s = make_scene(estimator, size, seed=seed)
    report(f'ready after {perf_counter() - start:.0f} s')
    return {'model': estimator.model.name, 'device': str(estimator.device), 'threads': threads,
            'observations': len(scene.observations), 'references': size.references,
            'views': size.views, 'repeats': repeats, 'reference_s': reference_s,
            **bench_scene(estimator, scene, repeats=repeats, report=report)}


def bench_scene(estimator: PoseEstimator, scene: BenchmarkScene, *, repeats: int,
                report: Report = lambda line: None) -> dict[str, Any]:
    """Return "peak_mb", "single" and "batch" of what `bench_batch` returns."""
    report(f'{repeats} batches of {len(scene.observations)} observations')
    reset_peak_memory(estimator.device)
    batch = _batch(estimator, scene, repeats)
    peak_mb = peak_memory_mb(estimator.device)
    report(f'{len(scene.observations)} single observations')
    return {'peak_mb': peak_mb, 'single': _single(estimator, scene), 'batch': batch}


def make_scene(estimator: PoseEstimator, size: BatchSize, *, seed: int
               ) -> tuple[BenchmarkScene, float]:
    """Return views of random solids, their references, and the seconds per reference.

    The first views are of different solids. Raises ConfigError where there are fewer usable views
    than `size` asks for.
    """
    meshes = named_meshes(f'{PROCEDURAL}:{size.references}', seed=seed)
    each = -(-size.observations // size.references)
    pairs = view_pairs(meshes, range(size.references), views=each, points=POINTS, seed=seed)
    if len(pairs) < size.observations:
        raise ConfigError(f'{size.observations} observations: the solids of seed {seed} show '
                          f'only {len(pairs)}; choose another seed')
    seen = [LabelledObservation(source=PROCEDURAL, name=pair.name, points=pair.target,
                                surface=pair.source, T_observation_object=pair.T_target_source)
            for pair in _interleaved(pairs)[:size.observations]]
    start = perf_counter()
    references = [estimator.reference_from_model(meshes.read(row), name=name)
                  for row, name in enumerate(meshes.names)]
    spent_s = (perf_counter() - start) / len(references)
    return BenchmarkScene(observations=seen, references=references), spent_s


def _interleaved(pairs: Sequence[PosePair]) -> list[PosePair]:
    """Return the first pair of each object, then the second ones, and so on."""
    by_name: dict[str, list[PosePair]] = {}
    for pair in pairs:
        by_name.setdefault(pair.name, []).append(pair)
    rounds = chain.from_iterable(zip_longest(*by_name.values()))
    return [pair for pair in rounds if pair is not None]


def _batch(estimator: PoseEstimator, scene: BenchmarkScene, repeats: int) -> dict[str, Any]:
    clouds = [seen.points for seen in scene.observations]

    def run() -> list[list[PoseEstimate]]:
        return estimator.estimate_batch(clouds, scene.references, segments=True,
                                        viewpoint=Viewpoint.SENSOR)
    times_ms, results = _timed([run] * repeats, estimator.device)
    with stages_end_with(partial(synchronise, estimator.device)):
        waited_ms, profiled = _timed([run] * repeats, estimator.device)
    return {**_summary(times_ms, len(clouds)), **_right(scene, results[-1]),
            'stage_ms': _stages(waited_ms, [found[0] for found in profiled])}


def _single(estimator: PoseEstimator, scene: BenchmarkScene) -> dict[str, Any]:
    def run(seen: LabelledObservation) -> list[PoseEstimate]:
        return estimator.estimate_batch([seen.points], [scene.own(seen)], segments=True,
                                        viewpoint=Viewpoint.SENSOR)[0]
    runs = [lambda seen=seen: run(seen) for seen in scene.observations]
    times_ms, results = _timed(runs, estimator.device)
    with stages_end_with(partial(synchronise, estimator.device)):
        waited_ms, profiled = _timed(runs, estimator.device)
    return {**_summary(times_ms, 1), **_right(scene, results),
            'stage_ms': _stages(waited_ms, profiled)}


def _timed(runs: Sequence[Callable[[], Any]], device: torch.device
           ) -> tuple[list[float], list[Any]]:
    """Return the milliseconds and the result of each run, after WARM_UPS untimed ones."""
    times_ms, results = [], []
    for run in [*([runs[0]] * WARM_UPS), *runs]:
        synchronise(device)
        start = perf_counter()
        results.append(run())
        synchronise(device)
        times_ms.append(1e3 * (perf_counter() - start))
    return times_ms[WARM_UPS:], results[WARM_UPS:]


def _summary(times_ms: Sequence[float], observations: int) -> dict[str, float]:
    spent = float(np.median(times_ms))
    return {'ms': spent, 'poses_per_s': 1e3 * observations / spent}


def _stages(times_ms: Sequence[float], found: Sequence[Sequence[PoseEstimate]]
            ) -> dict[str, float]:
    """Return the median milliseconds of each stage over the runs with estimates."""
    rows = [{**estimates[0].stage_ms, REST: spent - sum(estimates[0].stage_ms.values())}
            for spent, estimates in zip(times_ms, found) if estimates]
    return {stage: float(np.median([row[stage] for row in rows])) for stage in rows[0]}


def _right(scene: BenchmarkScene, results: Sequence[Sequence[PoseEstimate]]) -> dict[str, float]:
    """Return the shares of correct labels, and of poses that are correct up to symmetry."""
    names = [reference.name for reference in scene.references]
    best = [(seen, found[0]) for seen, found in zip(scene.observations, results) if found]
    labels = sum(estimate.name == seen.name for seen, estimate in best)
    poses = sum(seen.judge(estimate, names).right for seen, estimate in best)
    count = len(scene.observations)
    return {'right_label': labels / count, 'right_pose': poses / count}
