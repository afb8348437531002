"""Curves as tables in Markdown and as a picture."""

from pathlib import Path
from typing import Any

from pointpng_core.evaluation.pose.curves import JUDGED_BY
from pointpng_core.text import for_figure

LABELS = {'pointpng': 'pointpng', 'embedding': 'embedding alone', 'open3d_fpfh_ransac_icp':
          'FPFH + RANSAC + ICP', 'open3d_fgr_icp': 'FGR + ICP', 'icp_48_starts': '48-start ICP',
          'icp_1_start': 'ICP, one start'}
MEASURES = {'recall_5deg': 'share within 5°', 'as_good_as_truth': 'share as good as truth',
            'rotation_median_deg': 'median error, degrees',
            'add_s_median_percent': 'median ADD-S, % of the diameter'}
_STYLES = {'pointpng': ('#0b5fa5', 'o', 2.4), 'embedding': ('#56b4e9', 'o', 1.6),
           'open3d_fpfh_ransac_icp': ('#d55e00', 's', 1.3),
           'open3d_fgr_icp': ('#e6a000', 'D', 1.3), 'icp_48_starts': ('#2a8c5a', '^', 1.3),
           'icp_1_start': ('#777777', 'v', 1.3)}
_LINEAR_BELOW = {'rotation_median_deg': 1.0, 'add_s_median_percent': 0.5}
"""Errors are drawn on a logarithmic axis down to here, and linear to 0."""
_TICKS = (0, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 180)


def markdown_tables(result: dict[str, Any]) -> str:
    """Return a table for each curve: the share, and in brackets the median error, by level."""
    share, error = JUDGED_BY[result['judged_by']]
    lines = [f'{Path(result["file"]).stem}, {result["pairs"]} pairs, model `{result["model"]}`, '
             f'{result["threads"]} thread(s), seed {result["seed"]}: {MEASURES[share]} '
             f'({MEASURES[error]}).']
    for name, curve in result['curves'].items():
        lines += ['', _line([_axis(name, curve), *(f'{level:g}' for level in curve['levels'])]),
                  _line(['---', *['---:'] * len(curve['levels'])])]
        lines += [_line([LABELS.get(method, method), *(
            f'{good:.2f} ({off:.2f})' for good, off in zip(values[share], values[error]))])
            for method, values in curve['methods'].items()]
    return '\n'.join(lines) + '\n'


def plot_curves(result: dict[str, Any], path: Path) -> bool:
    """Write the curves as a PNG; False, and nothing, where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    curves = result['curves']
    figure = Figure(figsize=(9.5, 1.0 + 2.7 * len(curves)), layout='constrained')
    axes = figure.subplots(len(curves), 2, squeeze=False)
    for row, (name, curve) in enumerate(curves.items()):
        for axis, key in zip(axes[row], JUDGED_BY[result['judged_by']]):
            _panel(axis, name, curve, key)
    handles = {line.get_label(): line for axis in axes.flat for line in axis.lines}
    figure.legend(handles.values(), handles.keys(), loc='outside lower center', fontsize=9,
                  ncols=3, frameon=False)
    figure.suptitle(f'{for_figure(Path(result["file"]).stem)}: {result["pairs"]} pairs, model '
                    f'{result["model"]}', fontsize=11)
    FigureCanvasAgg(figure).print_png(str(path))
    return True


def _panel(axis: Any, name: str, curve: dict[str, Any], key: str) -> None:
    levels = curve['levels']
    for method, values in curve['methods'].items():
        colour, marker, width = _STYLES.get(method, ('#000000', 'x', 1.3))
        axis.plot(levels, values[key], color=colour, marker=marker, linewidth=width, markersize=4,
                  label=LABELS.get(method, method), zorder=3 if method == 'pointpng' else 2)
    if name == 'points':
        axis.set_xscale('log', base=2)
    axis.set_xticks(levels, [f'{level:g}' for level in levels])
    axis.set_xlabel(_axis(name, curve), fontsize=9)
    axis.set_ylabel(MEASURES[key], fontsize=9)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    if key in _LINEAR_BELOW:
        most = max(2.0, 1.2 * max(max(values[key]) for values in curve['methods'].values()))
        axis.set_yscale('symlog', linthresh=_LINEAR_BELOW[key])
        axis.set_yticks(_TICKS, [f'{tick:g}' for tick in _TICKS])
        axis.set_ylim(0, most)
    else:
        axis.set_ylim(-0.04, 1.04)
    axis.minorticks_off()


def _axis(name: str, curve: dict[str, Any]) -> str:
    return f'{curve["title"]}, {curve["unit"]}' if curve['unit'] else curve['title']


def _line(cells: list[str]) -> str:
    return f'| {" | ".join(cells)} |'
