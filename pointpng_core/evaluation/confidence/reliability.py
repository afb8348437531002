"""Reliability of probabilities, risk of accepting above a threshold, and plots of both."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError, MissingDependencyError

BINS = 10
CURVE = tuple(np.round(np.concatenate((np.arange(0.0, 0.9, 0.05), np.arange(0.9, 1.0, 0.01),
                                       [0.995, 0.999])), 3).tolist())
"""Thresholds of the curve of risk over coverage."""
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def reliability(confidence: Floats, right: Mask) -> dict[str, Any]:
    """Compare probabilities (N,) with outcomes (N,), in BINS equal bins.

    Returns {'ece', 'brier', 'bins': [{'low', 'high', 'count', 'confidence', 'right'}]}: ECE is
    the mean distance of a bin's confidence from its share of right outcomes, weighted by its count
    (Naeini 2015); the Brier score is the mean squared error of the probabilities. In an empty bin,
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
    """Return the effect of a threshold of acceptance on (N,) cases.

    Returns {'cases', 'accepted': share of all, 'wrong': share of the accepted, 'wrong_count',
    'recall': share of the right ones that is accepted, 'unknown': cases whose object has no
    reference, 'unknown_accepted': share of these}. Shares of no cases are 0.
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


def plot_calibration(result: dict[str, Any], path: Path) -> None:
    """Write the reliability diagram and the curve of risk over coverage of `judge` as a PNG.

    Raises MissingDependencyError without matplotlib, FileError for a path that cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("the plot needs matplotlib: pip install 'pointpng_ros[train]'"
                                     ) from error
    figure = Figure(figsize=(10, 4.5), layout='constrained')
    left, right = figure.subplots(1, 2)
    _reliability(left, result)
    _risk(right, result)
    try:
        FigureCanvasAgg(figure).print_png(str(path))
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def _reliability(axis: Any, result: dict[str, Any]) -> None:
    filled = [part for part in result['bins'] if part['count']]
    axis.plot([0, 1], [0, 1], color='0.6', linewidth=1.0, label='ideal')
    axis.bar([(part['low'] + part['high']) / 2 for part in filled],
             [part['right'] for part in filled], width=0.09, alpha=0.35, label='share right')
    axis.plot([part['confidence'] for part in filled], [part['right'] for part in filled],
              marker='o', linewidth=1.0, label='mean confidence')
    for part in filled:
        axis.annotate(str(part['count']), ((part['low'] + part['high']) / 2, 0.01), fontsize=7,
                      ha='center')
    axis.set(xlabel='confidence', ylabel='share of right poses', xlim=(0, 1), ylim=(0, 1.02),
             title=f'reliability: ECE {result["ece"]:.3f}, Brier {result["brier"]:.3f}')
    axis.legend(fontsize=8, loc='upper left', bbox_to_anchor=(0.02, 0.95))


def _risk(axis: Any, result: dict[str, Any]) -> None:
    curve, chosen = result['curve'], result['all']
    axis.plot([row['recall'] for row in curve], [row['wrong'] for row in curve], marker='.',
              linewidth=1.0)
    axis.plot([chosen['recall']], [chosen['wrong']], marker='o', linestyle='none',
              label=f'accepted from {result["threshold"]:.2f} on')
    axis.axhline(0.01, color='0.6', linewidth=1.0, label='1 wrong in 100')
    axis.set(xlabel='share of the right poses that is accepted', xlim=(0, 1.02),
             ylabel='wrong among the accepted', ylim=(0, 0.1), title='risk and coverage')
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)
