"""An ablation as a table in Markdown and as curves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pointpng_core.evaluation.embedding.ablation import BETA, M

COLUMNS = {'pa': 'PA', 'ae': 'AE', 'cosine_plain': 'cos(z, z+)', 'svm_accuracy': 'SVM accuracy',
           'pose_median_deg': 'pose, median deg', 'pose_15deg': 'pose < 15 deg'}
_PANELS = ((('pa', 'ae'), 'PA and AE'), (('svm_accuracy',), 'linear SVM accuracy'),
           (('pose_median_deg',), 'pose by embedding alone, median degrees'))

Row = dict[str, Any]


def markdown_table(result: dict[str, Any]) -> str:
    """Return the cells as a Markdown table, a sentence about them above it."""
    lines = [f'COPE `{result["cope"]}`, {result["mae_steps"]} steps of masked autoencoding '
             f'(shared), {result["png_steps"]} steps of Point-PNG per cell, seed '
             f'{result["seed"]}; validation objects of the training split.', '']
    header = ['beta', 'M', *COLUMNS.values()]
    lines += [_line(header), _line(['---:'] * len(header))]
    lines += [_line([f'{cell["beta"]:g}', str(cell['negatives']),
                     *(_number(key, cell.get(key)) for key in COLUMNS)])
              for cell in result['cells']]
    return '\n'.join(lines) + '\n'


def sweeps(cells: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return the cells in which beta varies, and those in which M does, in ascending order."""
    by_beta = sorted((cell for cell in cells if cell['negatives'] == M),
                     key=lambda cell: cell['beta'])
    by_count = sorted((cell for cell in cells if cell['beta'] == BETA),
                      key=lambda cell: cell['negatives'])
    return by_beta, by_count


def plot_ablation(result: dict[str, Any], path: Path) -> bool:
    """Write the curves as a PNG; False, and nothing, where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(9, 9), layout='constrained')
    axes = figure.subplots(len(_PANELS), 2, sharex='col', sharey='row', squeeze=False)
    by_beta, by_count = sweeps(result['cells'])
    for row, (keys, title) in enumerate(_PANELS):
        for axis, cells, varied in ((axes[row, 0], by_beta, 'beta'),
                                    (axes[row, 1], by_count, 'negatives')):
            for key in keys:
                points = [(cell[varied], cell[key]) for cell in cells
                          if cell.get(key) is not None]
                axis.plot([x for x, _ in points], [y for _, y in points], 'o-', label=COLUMNS[key])
            axis.set_title(title, fontsize=10)
            axis.grid(alpha=0.3)
            axis.legend(fontsize=8)
    axes[-1, 0].set_xlabel(f'beta, at M = {M}')
    axes[-1, 1].set_xlabel(f'M, at beta = {BETA:g}')
    FigureCanvasAgg(figure).print_png(str(path))
    return True


def _line(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _number(key: str, value: float | None) -> str:
    digits = 1 if key.endswith('_deg') else 3
    return '-' if value is None else f'{value:.{digits}f}'
