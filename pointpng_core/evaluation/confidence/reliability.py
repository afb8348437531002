"""Whether probabilities are what they say: reliability, and the risk of accepting above one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
CURVE = tuple(np.round(np.concatenate((np.arange(0.0, 0.9, 0.05), np.arange(0.9, 1.0, 0.01),
                                       [0.995, 0.999])), 3).tolist())
"""Thresholds of the curve of risk over coverage."""
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def reliability(confidence: Floats, right: Mask) -> dict[str, Any]:
    """Compare probabilities (N,) with what came of them (N,), in BINS equal bins.

    Returns {'ece', 'brier', 'bins': [{'low', 'high', 'count', 'confidence', 'right'}]}: ECE is
    the mean distance of a bin's confidence from its share of right ones, weighed by its count
    (Naeini 2015); the Brier score is the mean squared error of the probabilities. Of an empty bin
    confidence and right are nan.
    """
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(index, minlength=BINS)
    with np.errstate(invalid='ignore'):
        sure = np.bincount(index, confidence, BINS) / counts
        share = np.bincount(index, right, BINS) / counts
    gaps = np.where(counts > 0, np.abs(sure - share), 0.0)
    return {'ece': float((gaps * counts).sum() / max(1, len(right))),
            'brier': float(np.mean((confidence - right) ** 2)) if len(right) else 0.0,
            'bins': [{'low': row / BINS, 'high': (row + 1) / BINS, 'count': int(counts[row]),
                      'confidence': float(sure[row]), 'right': float(share[row])}
                     for row in range(BINS)]}


def acceptance(confidence: Floats, right: Mask, known: Mask, threshold: float
               ) -> dict[str, Any]:
    """Return what accepting from a threshold on means for (N,) cases.

    {'cases', 'accepted': share of all, 'wrong': share of the accepted, 'wrong_count',
    'recall': share of the right ones that is accepted, 'unknown': cases whose object no reference
    was of, 'unknown_accepted': share of these}. Shares of nothing are 0.
    """
    accepted = confidence >= threshold
    return {'cases': len(right), 'accepted': _share(accepted), 'wrong': _share(~right[accepted]),
            'wrong_count': int((accepted & ~right).sum()), 'recall': _share(accepted[right]),
            'unknown': int((~known).sum()), 'unknown_accepted': _share(accepted[~known])}


def risk_coverage(confidence: Floats, right: Mask) -> list[dict[str, float]]:
    """Return [{'threshold', 'accepted', 'wrong', 'recall'}] of the thresholds in CURVE."""
    everything = np.ones(len(right), dtype=bool)
    keys = ('accepted', 'wrong', 'recall')
    rows = [(threshold, acceptance(confidence, right, everything, threshold))
            for threshold in CURVE]
    return [{'threshold': threshold, **{key: row[key] for key in keys}}
            for threshold, row in rows]


def _share(mask: Mask) -> float:
    return float(mask.mean()) if len(mask) else 0.0
