"""Learning curves of a run as an image, if matplotlib is installed."""

from pathlib import Path
from typing import Any

from pointpng_core.training.metrics_log import Record, read_metrics
from pointpng_core.training.schedule import MAE, PNG

CURVES_FILE = 'curves.png'
FEW = 12
"""A curve of no more points shows each of them."""


def plot_curves(run_dir: Path) -> None:
    """Write `curves.png` from `metrics.jsonl`, if it has records and matplotlib is installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return
    records = read_metrics(run_dir)
    if not records:
        return
    figure = Figure(figsize=(10, 6.5), layout='constrained')
    axes = figure.subplots(2, 2)
    if any(record['stage'] == MAE for record in records):
        _curve(axes[0, 0], records, MAE, ('loss', 'val_loss'), 'masked autoencoding: Chamfer-L2')
        axes[0, 0].set_yscale('log')
    else:
        _curve(axes[0, 0], records, PNG, ('view', 'full_view', 'centre', 'visible'),
               'camera views: losses')
    _curve(axes[0, 1], records, PNG, ('loss', 'align', 'cope', 'unif'), 'Point-PNG: losses')
    _curve(axes[1, 0], records, PNG, ('pa', 'ae', 'val_pa', 'val_ae'), 'PA and AE')
    _curve(axes[1, 1], records, PNG, ('val_pose_median_deg',),
           'pose by embedding alone, held-out objects: median degrees')
    FigureCanvasAgg(figure).print_png(str(run_dir / CURVES_FILE))


def _curve(axis: Any, records: list[Record], stage: str, names: tuple[str, ...], title: str
           ) -> None:
    for name in names:
        points = [(record['step'], record[name]) for record in records
                  if record['stage'] == stage and record.get(name) is not None]
        if points:
            # A line through one point is nothing; through a few it hides where they are.
            axis.plot(*zip(*points), label=name, linewidth=1.0,
                      marker='o' if len(points) <= FEW else None, markersize=4)
    axis.set_title(title, fontsize=10)
    axis.set_xlabel('step')
    axis.grid(alpha=0.3)
    if axis.lines:
        axis.legend(fontsize=8)
