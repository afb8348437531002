"""The strategies one after the other, each for the observations that need it."""

from collections.abc import Callable, Sequence

from pointpng_core.estimation.observations import Request
from pointpng_core.estimation.strategies import Strategy, best_score
from pointpng_core.estimation.types import PoseEstimate

Run = Callable[[Request, Strategy], list[list[PoseEstimate]]]
"""Estimates the poses of all observations of a request by one strategy, in one batch."""


def cascade(request: Request, viewpoint: str, run: Run, strategies: Sequence[Strategy]
            ) -> list[list[PoseEstimate]]:
    """Return for each observation the estimates of the strategy whose best one scores highest.

    Each strategy in turn is run for the observations to which it applies, given what was found
    before. `viewpoint` is that of EstimatorConfig. Raises CloudError.
    """
    results: list[list[PoseEstimate]] = [[] for _ in request.observations.clouds]
    for strategy in strategies:
        chosen = [index for index, cloud in enumerate(request.observations.clouds)
                  if strategy.applies(cloud, viewpoint, results[index])]
        for batch in strategy.batches(chosen):
            for index, estimates in zip(batch, run(request.take(batch), strategy)):
                results[index] = max(results[index], estimates, key=best_score)
    return results
