"""How fast many observations are held against many references in one batch, stage by stage.

The observations are noisy depth views of random solids, the references the solids' meshes. What
is timed is judged too: speed bought with wrong poses would show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
import resource
import sys
from time import perf_counter
from typing import Any

import numpy as np
import torch

from pointpng_core.embedding.devices import synchronise
from pointpng_core.embedding.model_zoo import TRAINING_FREE
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.cases import Seen
from pointpng_core.evaluation.pairs.generation import view_pairs
from pointpng_core.evaluation.pairs.mesh_sources import PROCEDURAL, named_meshes
from pointpng_core.evaluation.pose.pairs import PosePair
from pointpng_core.reference import Reference
from pointpng_core.timing import stages_end_with

POINTS = 2048
"""Of an observation, and of the surface that poses are judged by."""
WARM_UPS = 2
"""Untimed runs: the first ones fill caches, and on a GPU load kernels."""
REST = 'rest'
"""Stage of what no other stage counts: the summary of all hypotheses."""
Silent = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BatchSize:
    """What goes into one batch."""

    observations: int = 64
    references: int = 20
    views: int = 60
    """Of each reference."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchWorld:
    """Observations, and the references of all objects that are seen."""

    seen: Sequence[Seen]
    references: Sequence[Reference]

    def own(self, seen: Seen) -> Reference:
        """Return the reference of what is seen."""
        return next(known for known in self.references if known.name == seen.name)


def bench_batch(size: BatchSize, *, repeats: int = 5, threads: int = 1, device: str = 'cpu',
                model: str | Path = TRAINING_FREE, config: EstimatorConfig | None = None,
                seed: int = 0, report: Silent = lambda line: None) -> dict[str, Any]:
    """Time single objects and whole batches on a device; raises ConfigError, FileError.

    {"model", "device", "threads", "observations", "references", "views", "repeats",
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
    world, reference_s = make_world(estimator, size, seed=seed)
    report(f'ready after {perf_counter() - start:.0f} s')
    return {'model': estimator.model.name, 'device': str(estimator.device), 'threads': threads,
            'observations': len(world.seen), 'references': size.references, 'views': size.views,
            'repeats': repeats, 'reference_s': reference_s,
            **bench_world(estimator, world, repeats=repeats, report=report)}


def bench_world(estimator: PoseEstimator, world: BatchWorld, *, repeats: int,
                report: Silent = lambda line: None) -> dict[str, Any]:
    """Return "peak_mb", "single" and "batch" of what `bench_batch` returns."""
    report(f'{repeats} batches of {len(world.seen)} observations')
    _forget_peak(estimator.device)
    batch = _batch(estimator, world, repeats)
    peak_mb = peak_memory_mb(estimator.device)
    report(f'{len(world.seen)} single observations')
    return {'peak_mb': peak_mb, 'single': _single(estimator, world), 'batch': batch}


def make_world(estimator: PoseEstimator, size: BatchSize, *, seed: int
               ) -> tuple[BatchWorld, float]:
    """Return views of solids in turn, their references, and the seconds one reference took.

    Raises ConfigError where the solids show fewer views than there are to be.
    """
    meshes = named_meshes(f'{PROCEDURAL}:{size.references}', seed=seed)
    each = -(-size.observations // size.references)
    pairs = view_pairs(meshes, range(size.references), views=each, points=POINTS, seed=seed)
    if len(pairs) < size.observations:
        raise ConfigError(f'{size.observations} observations: the solids of seed {seed} show '
                          f'only {len(pairs)}; choose another seed')
    seen = [Seen(source=PROCEDURAL, name=pair.name, points=pair.target, surface=pair.source,
                 T_observation_object=pair.T_target_source)
            for pair in _in_turn(pairs)[:size.observations]]
    start = perf_counter()
    references = [estimator.reference_from_model(meshes.read(row), name=name)
                  for row, name in enumerate(meshes.names)]
    spent_s = (perf_counter() - start) / len(references)
    return BatchWorld(seen=seen, references=references), spent_s


def _in_turn(pairs: Sequence[PosePair]) -> list[PosePair]:
    """Return the first pair of each object, then the second, so that few show many objects."""
    by_name: dict[str, list[PosePair]] = {}
    for pair in pairs:
        by_name.setdefault(pair.name, []).append(pair)
    rounds = chain.from_iterable(zip_longest(*by_name.values()))
    return [pair for pair in rounds if pair is not None]


def _batch(estimator: PoseEstimator, world: BatchWorld, repeats: int) -> dict[str, Any]:
    clouds = [seen.points for seen in world.seen]

    def run() -> list[list[PoseEstimate]]:
        return estimator.estimate_batch(clouds, world.references, viewpoint='sensor')
    times_ms, results = _timed([run] * repeats, estimator.device)
    with stages_end_with(partial(synchronise, estimator.device)):
        waited_ms, profiled = _timed([run] * repeats, estimator.device)
    return {**_summary(times_ms, len(clouds)), **_right(world, results[-1]),
            'stage_ms': _stages(waited_ms, [found[0] for found in profiled])}


def _single(estimator: PoseEstimator, world: BatchWorld) -> dict[str, Any]:
    def run(seen: Seen) -> list[PoseEstimate]:
        return estimator.estimate_batch([seen.points], [world.own(seen)], viewpoint='sensor')[0]
    runs = [lambda seen=seen: run(seen) for seen in world.seen]
    times_ms, results = _timed(runs, estimator.device)
    with stages_end_with(partial(synchronise, estimator.device)):
        waited_ms, profiled = _timed(runs, estimator.device)
    return {**_summary(times_ms, 1), **_right(world, results),
            'stage_ms': _stages(waited_ms, profiled)}


def _timed(runs: Sequence[Callable[[], Any]], device: torch.device
           ) -> tuple[list[float], list[Any]]:
    """Return milliseconds and result of each, after WARM_UPS untimed ones."""
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
    """Return the medians of all stages, of runs that took times_ms and found something."""
    rows = [{**estimates[0].stage_ms, REST: spent - sum(estimates[0].stage_ms.values())}
            for spent, estimates in zip(times_ms, found) if estimates]
    return {stage: float(np.median([row[stage] for row in rows])) for stage in rows[0]}


def _right(world: BatchWorld, results: Sequence[Sequence[PoseEstimate]]) -> dict[str, float]:
    """Return the shares of right labels, and of poses that are right up to symmetry."""
    names = [reference.name for reference in world.references]
    best = [(seen, found[0]) for seen, found in zip(world.seen, results) if found]
    labels = sum(estimate.name == seen.name for seen, estimate in best)
    poses = sum(seen.judge(estimate, names).right for seen, estimate in best)
    return {'right_label': labels / len(world.seen), 'right_pose': poses / len(world.seen)}


def _forget_peak(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: torch.device) -> float:
    """Return the most that tensors took of a GPU, or the whole process of memory, in 2^20 bytes.

    The latter counts everything since the process began.
    """
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / 2 ** 20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2 ** 20 if sys.platform == 'darwin' else 2 ** 10)
