"""Average recall of the BOP benchmark, from errors of estimates against true poses.

Definitions: as in `bop_errors`, section 2.3, with the thresholds of BOP19.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VSD_TOLERANCES = np.arange(1, 11) / 20
"""Tau as a share of the diameter."""
VSD_THRESHOLDS = np.arange(1, 11) / 20
MSSD_THRESHOLDS = np.arange(1, 11) / 20
"""As shares of the diameter."""
MSPD_THRESHOLDS = 5.0 * np.arange(1, 11)
"""In pixels of an image that is REFERENCE_WIDTH wide; wider ones are scaled to it."""
REFERENCE_WIDTH = 640
UNMATCHED = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class PairErrors:
    """Errors of all E estimates of one object in one image against its G true poses.

    scores (E,); mssd (E, G) over the diameter; mspd (E, G) in pixels at REFERENCE_WIDTH; vsd
    (E, G, 10) by VSD_TOLERANCES, None where the model has no surface; targets (G,): which of the
    true poses are asked for.
    """

    scores: NDArray[np.float64]
    mssd: NDArray[np.float64]
    mspd: NDArray[np.float64]
    vsd: NDArray[np.float64] | None
    targets: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class AverageRecall:
    """Recalls averaged over the thresholds; `vsd` and `average` are None without surfaces."""

    mssd: float
    mspd: float
    vsd: float | None
    targets: int

    @property
    def average(self) -> float | None:
        """Return AR, the mean of the three."""
        return None if self.vsd is None else (self.vsd + self.mssd + self.mspd) / 3


def average_recall(pairs: Iterable[PairErrors]) -> AverageRecall:
    """Return the average recalls over all objects in all images; 0 where nothing is asked for.

    In each image, as many estimates of an object count as there are targets: the most confident.
    """
    kept = [_most_confident(pair) for pair in pairs]
    targets = sum(int(pair.targets.sum()) for pair in kept)

    def recall(errors: Callable[[PairErrors], NDArray[np.float64]], threshold: float) -> float:
        found = sum(_found(errors(pair), pair, threshold) for pair in kept)
        return found / max(targets, 1)

    mssd = np.mean([recall(lambda pair: pair.mssd, t) for t in MSSD_THRESHOLDS])
    mspd = np.mean([recall(lambda pair: pair.mspd, t) for t in MSPD_THRESHOLDS])
    vsd = None
    if all(pair.vsd is not None for pair in kept):
        vsd = float(np.mean([recall(_vsd_at(k), t) for k in range(len(VSD_TOLERANCES))
                             for t in VSD_THRESHOLDS]))
    return AverageRecall(mssd=float(mssd), mspd=float(mspd), vsd=vsd, targets=targets)


def match_greedily(errors: NDArray[np.float64], scores: NDArray[np.float64], threshold: float,
                   targets: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the true pose (E,) that each estimate is matched to, or UNMATCHED.

    In the order of decreasing scores (E,), each estimate takes, of the targets (G,) that are left,
    the one with the least error (E, G), if that is below the threshold.
    """
    matched = np.full(len(scores), UNMATCHED, dtype=np.int64)
    left = errors.astype(np.float64).copy()
    left[:, ~targets] = np.inf
    for estimate in np.argsort(-scores, kind='stable') if left.shape[1] else ():
        truth = int(left[estimate].argmin())
        if left[estimate, truth] < threshold:
            matched[estimate] = truth
            left[:, truth] = np.inf
    return matched


def most_visible(fractions: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """Return which (G,) are the targets: the `count` of largest visible fraction (G,)."""
    chosen = np.zeros(len(fractions), dtype=bool)
    chosen[np.argsort(-fractions, kind='stable')[:count]] = True
    return chosen


def _most_confident(pair: PairErrors) -> PairErrors:
    best = np.argsort(-pair.scores, kind='stable')[:int(pair.targets.sum())]
    return PairErrors(scores=pair.scores[best], mssd=pair.mssd[best], mspd=pair.mspd[best],
                      vsd=None if pair.vsd is None else pair.vsd[best], targets=pair.targets)


def _found(errors: NDArray[np.float64], pair: PairErrors, threshold: float) -> int:
    matched = match_greedily(errors, pair.scores, threshold, pair.targets)
    return int((matched != UNMATCHED).sum())


def _vsd_at(k: int) -> Callable[[PairErrors], NDArray[np.float64]]:
    return lambda pair: np.empty(0) if pair.vsd is None else pair.vsd[..., k]
