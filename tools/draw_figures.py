"""Draw the two figures of the README: how a pose is found, and how methods compare.

`make figures` runs this. The first is one simulated frame through the real pipeline; the second
is drawn from docs/results/*.json, which `pointpng evaluate pose --pairs FILE --baselines --json
docs/results/NAME.json` writes, NAME being that of the file of pairs without `pairs_`.
"""

from collections.abc import Sequence
import json
from pathlib import Path
import sys
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
import numpy as np
import torch

from pointpng_core import PoseEstimate, PoseEstimator, SegmenterConfig, segment_scene
from pointpng_core.embedding.encoders.harmonic import HarmonicEncoder
from pointpng_core.evaluation.pose.curves_report import LABELS
from pointpng_core.simulation.rendering import CastBody
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig
from pointpng_ros.demo import point_renderer as views

DOCS = Path(__file__).resolve().parents[1] / 'docs'
OBJECTS, TARGET = ('drill', 'mug', 'box'), 'drill'
PALETTE = ('#f29e1a', '#4db3f5', '#33c785', '#f0738f')
TABLE_RGB, INK, FAINT = (0.50, 0.53, 0.58), '#e8ecf2', '#9aa4b2'
SIZE_PX = 420
MEASURES = (('recall_5deg', 'rotation within 5 degrees'), ('adds_2', 'ADD-S below 2 %'))
METHODS = {'pointpng': '#33c785', 'open3d_fpfh_ransac_icp': '#4db3f5',
           'open3d_fgr_icp': '#a88cf2', 'icp_48_starts': '#b8bfca'}
"""Methods as the JSON files name them, with the colours of their bars."""
FILES = {'airplane_resampled': 'airplanes\n(noisy, resampled)',
         'modelnet10_resampled': 'ModelNet10\n(many symmetric)',
         'ycb_view': 'YCB, model to one\nnoisy depth view'}


def main() -> int:
    """Draw both figures into docs/."""
    draw_how_it_works(DOCS / 'how_it_works.png')
    draw_results(DOCS / 'results.png')
    return 0


def draw_how_it_works(path: Path) -> None:
    """Draw a frame after each step: cloud, segments, embedding, hypotheses, pose."""
    torch.manual_seed(0)
    world = TabletopWorld(OBJECTS, config=WorldConfig(seed=19, lying_share=0))
    frame = DepthSimulator(world).frame(0, rate_hz=1.0)
    points = frame.points.reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    segments = segment_scene(points, config=SegmenterConfig()).segments
    truth = next(truth for truth in frame.truths if truth.label == TARGET)
    centre = truth.T_camera_object[:3, 3]
    target = min(segments, key=lambda part: np.linalg.norm(part.points.mean(axis=0) - centre))
    estimator = PoseEstimator()
    reference = estimator.reference_from_model(make_object(TARGET).mesh, name=TARGET)
    best = estimator.estimate(target.points, [reference])[0]

    colours = np.tile(np.array(TABLE_RGB, dtype=np.float32), (len(points), 1))
    grey = colours.copy()
    for part, colour in zip(segments, PALETTE):
        colours[part.indices] = _rgb(colour)
    everything = np.concatenate([part.points for part in segments])
    wide, close = (views.fitted_view(np.eye(4), part, width=SIZE_PX, height=SIZE_PX)
                   for part in (everything, target.points))
    figure = Figure(figsize=(15.2, 4.3), dpi=100, facecolor=views.BACKGROUND_RGB)
    panels = [figure.add_axes((0.012 + 0.199 * i, 0.20, 0.18, 0.64)) for i in range(5)]
    panels[0].imshow(views.splat(wide, views.shade(points, grey), size_m=0.0022)[0])
    panels[1].imshow(views.splat(wide, views.shade(points, colours), size_m=0.0022)[0])
    _show_embedding(figure, panels[2], target.points)
    painted = views.shade(points, colours)
    _show_outlines(panels[3], close, painted, [pose.T_observation_reference
                                               for pose in best.runners_up[:4]], '#ffffff')
    _show_outlines(panels[4], close, painted, [best.T_observation_reference], '#ffe14d')
    _caption(figure, panels, best)
    figure.savefig(path, facecolor=figure.get_facecolor())


def _show_embedding(figure: Figure, panel: Any, points: np.ndarray) -> None:
    """Show the embedding of a segment and of the same segment after two rotations."""
    panel.axis('off')
    encoder = HarmonicEncoder()
    cloud = torch.from_numpy(points - points.mean(axis=0))
    cloud = cloud / (2 * cloud.norm(dim=1).max())
    left, bottom, width, height = panel.get_position().bounds
    for row, degrees in enumerate((0, 40, 80)):
        angle = np.radians(degrees)
        R = torch.tensor([[np.cos(angle), -np.sin(angle), 0.0],
                          [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]]).float()
        blocks = _as_image(encoder, encoder.encode((cloud @ R.T)[None])[0])
        axes = figure.add_axes((left, bottom + height * (2 - row) / 3 + 0.01, width,
                                height / 3 - 0.055))
        limit = np.abs(blocks[:, 1:]).max()
        axes.imshow(blocks, aspect='auto', cmap='RdBu_r', vmin=-limit, vmax=limit)
        axes.set_xticks([])
        axes.set_yticks([])
        name = 'z' if row == 0 else rf'$\Theta_R\,$z,  R = {degrees}° about the view'
        axes.set_title(name, color=INK, fontsize=11, pad=4)


def _as_image(encoder: HarmonicEncoder, z: torch.Tensor) -> np.ndarray:
    """Return the blocks of an embedding beside each other: (shells, orders of degree 0 to 4)."""
    parts, start = [], 0
    for degree, copies in enumerate(encoder.multiplicities[:5]):
        size = copies * (2 * degree + 1)
        parts.append(z[start:start + size].reshape(copies, -1).numpy())
        start += size
    return np.concatenate(parts, axis=1)


def _show_outlines(panel: Any, view: views.Viewpoint, cloud: views.ShadedCloud,
                   poses: Sequence[np.ndarray], colour: str) -> None:
    """Show the cloud with the outline of the target at every pose."""
    image, _ = views.splat(view, cloud, size_m=0.0032)
    body = CastBody(make_object(TARGET).mesh)
    for pose in poses:
        models = views.PosedModels(bodies=[body], T_cloud_bodies=pose[None],
                                   colours=_rgb(colour)[None])
        owner = views.model_layer(view, models)[2]
        edge = views.outlines(owner)
        edge[1:] |= edge[:-1]
        edge[:, 1:] |= edge[:, :-1]
        image[edge] = _rgb(colour)
    panel.imshow(np.clip(image, 0, 1))


def _caption(figure: Figure, panels: Sequence[Any], best: PoseEstimate) -> None:
    words = (('cloud', 'from a PointCloud2 message,\nin metres'),
             ('segments', 'objects above the table,\none segment each'),
             ('embedding', 'COPE rotates z exactly, without\nencoding the cloud again'),
             ('hypotheses', 'rotations at which z matches\nthe embedding of the reference'),
             ('pose', f'refined by ICP, verified\n(confidence {best.confidence:.3f}), published'))
    for index, (panel, (title, text)) in enumerate(zip(panels, words)):
        panel.axis('off')
        x = panel.get_position().x0 + panel.get_position().width / 2
        figure.text(x, 0.925, f'{index + 1}  {title}', color=INK, fontsize=17, ha='center',
                    va='center')
        figure.text(x, 0.10, text, color=FAINT, fontsize=11.5, ha='center', va='center',
                    linespacing=1.35)
        if index:
            figure.add_artist(ConnectionPatch(
                (x - 0.122, 0.925), (x - 0.084, 0.925), 'figure fraction', 'figure fraction',
                arrowstyle='-|>', color=FAINT, mutation_scale=16))


def draw_results(path: Path) -> None:
    """Draw the shares of right poses of every method on every file of docs/results."""
    results = {name: json.loads((DOCS / 'results' / f'{name}.json').read_text('utf-8'))
               for name in FILES}
    figure = Figure(figsize=(10.4, 3.5), dpi=110, facecolor='white')
    panels = figure.subplots(1, 2, sharey=True)
    for panel, (key, title) in zip(panels, MEASURES):
        for place, (method, colour) in enumerate(METHODS.items()):
            values = [results[name]['methods'][method][key] for name in FILES]
            x = np.arange(len(FILES)) + 0.2 * (place - 1.5)
            bars = panel.bar(x, values, 0.19, color=colour, label=LABELS[method])
            panel.bar_label(bars, [f'{value:.2f}'.lstrip('0') for value in values], fontsize=8,
                            padding=1)
        panel.set_xticks(range(len(FILES)), list(FILES.values()), fontsize=9)
        panel.set_title(f'share of poses: {title}', fontsize=11)
        panel.set_ylim(0, 1.12)
        panel.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
        panel.spines[['top', 'right']].set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='lower center', ncols=len(METHODS), frameon=False,
                  fontsize=9.5)
    figure.subplots_adjust(left=0.045, right=0.995, top=0.91, bottom=0.24, wspace=0.05)
    figure.savefig(path, facecolor='white')


def _rgb(colour: str) -> np.ndarray:
    """Return a colour '#rrggbb' as (3,) float32 in [0, 1]."""
    return np.array([int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)], dtype=np.float32)


if __name__ == '__main__':
    sys.exit(main())
