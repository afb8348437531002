"""What observations are taken for, one after the other, until one of it convinces."""

from collections.abc import Callable, Sequence

from pointpng_core.estimation.observation_kind import ObservationKind, may_be_single_view
from pointpng_core.estimation.request import Task
from pointpng_core.estimation.types import PoseEstimate

CONVINCING_SCORE = 0.8
"""A whole surface taken for a single view scores less: half of it should not be seen."""
COMPLETE_COVERAGE = 0.8
"""Of a reference, by all of it, though sparse; what lacks a quarter covers less."""
Run = Callable[[Task], list[list[PoseEstimate]]]
"""Poses the observations of a task in one batch."""


def in_passes(task: Task, viewpoint: str, run: Run, *, parts: bool) -> list[list[PoseEstimate]]:
    """Return what `run` makes of observations as single views, as whole surfaces, as parts.

    Whole is tried what may be no view, or does not convince as one; a part, where `parts` are
    looked for, what is no view and lacks much of the surface. The best of all counts. `viewpoint`
    is that of EstimatorConfig; raises CloudError.
    """
    views = [may_be_single_view(cloud, viewpoint) for cloud in task.observations.clouds]
    results: list[list[PoseEstimate]] = [[] for _ in views]
    _fill(results, task, _where(views), run, ObservationKind.SINGLE_VIEW)
    _fill(results, task, _where([viewpoint != 'sensor' and not _convincing(result)
                                 for result in results]), run, ObservationKind.FULL_SURFACE)
    # One by one: each has many starts, and few observations come here.
    for index in _where([parts and not view and _incomplete(result)
                         for view, result in zip(views, results)]):
        _fill(results, task, [index], run, ObservationKind.PARTIAL_SURFACE)
    return results


def _fill(results: list[list[PoseEstimate]], task: Task, chosen: Sequence[int], run: Run,
          shown: ObservationKind) -> None:
    """Estimate some observations, and keep what beats the result that is there."""
    if chosen:
        for index, estimates in zip(chosen, run(task.take(chosen, shown))):
            results[index] = max(results[index], estimates, key=_best_score)


def _where(flags: Sequence[bool]) -> list[int]:
    return [index for index, flag in enumerate(flags) if flag]


def _best_score(estimates: list[PoseEstimate]) -> float:
    return estimates[0].score if estimates else -1.0


def _convincing(estimates: list[PoseEstimate]) -> bool:
    """Tell whether what was found as a single view leaves no need to try it as a whole surface."""
    return _best_score(estimates) >= CONVINCING_SCORE


def _incomplete(estimates: list[PoseEstimate]) -> bool:
    """Tell whether what was found as a whole surface lacks so much that it may be a part."""
    return not estimates or estimates[0].coverage < COMPLETE_COVERAGE
