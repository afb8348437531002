"""Pictures of a calibration: what probabilities are worth, and what a threshold costs."""

from pathlib import Path
from typing import Any

from pointpng_core.errors import FileError, MissingDependencyError


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
    axis.plot([0, 1], [0, 1], color='0.6', linewidth=1.0, label='as it should be')
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
