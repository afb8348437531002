"""The picture of one frame: what the camera saw, and the models where the node put them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import matplotlib.patheffects as effects
import numpy as np
from numpy.typing import NDArray
import open3d as o3d
from scipy.spatial import cKDTree

from pointpng_core.io import TriangleMesh
from pointpng_core.simulation.rendering import CastBody
from pointpng_core.text import for_figure
from pointpng_ros.demo import point_renderer as views
from pointpng_ros.demo.frame_log import Refusal
from pointpng_ros.demo.label_placement import LABEL_POINTS, place_labels
from pointpng_ros.demo.scoring import ObjectPose

WIDTH_PX, HEIGHT_PX, HEAD_PX = 960, 720, 110
BEHIND_M = 0.25
AXIS_M = 0.05
SEGMENT_REACH_M = 0.007
NOTE_POINTS, NOTE_CHARACTERS = 9.5, 34
_TABLE_RGB = (0.50, 0.53, 0.58)
_PALETTE = ((0.95, 0.62, 0.10), (0.30, 0.70, 0.96), (0.20, 0.78, 0.52), (0.94, 0.45, 0.60),
            (0.96, 0.88, 0.35), (0.66, 0.55, 0.95), (0.95, 0.38, 0.25), (0.45, 0.85, 0.85))
_AXES_RGB = ((1.0, 0.25, 0.25), (0.30, 0.95, 0.30), (0.35, 0.55, 1.0))
_INK, _FAINT, _WRONG = '#e8ecf2', '#9aa4b2', '#ff4040'


@dataclass(frozen=True, kw_only=True)
class PictureObject:
    """A detection to draw: its pose, the points of its segment (N, 3), and a line about it.

    `wrong`: known to be so; its label has a red border.
    """

    pose: ObjectPose
    segment: NDArray[np.float32]
    note: str = ''
    wrong: bool = False


def save_picture(path: Path, points: NDArray[np.float32], objects: Sequence[PictureObject],
                 meshes: Mapping[str, TriangleMesh], *, title: str,
                 refused: Sequence[Refusal] = ()) -> None:
    """Draw the finite points (N, 3) of a cloud and the posed objects; write a PNG.

    Segments without an accepted pose have a note in both panels: taken for what, and why not.

    Models are drawn for the labels in `meshes`, the others show segment and axes only.
    """
    colours = object_colours(len(objects))
    models = posed_models(objects, meshes, colours)
    shown = points_of_interest(points, objects, models)
    points = points[points[:, 2] < shown[:, 2].max() + BEHIND_M]
    cloud = views.shade(points, point_colours(points, objects, colours))
    figure = Figure(figsize=(2 * WIDTH_PX / 100, (HEIGHT_PX + HEAD_PX) / 100), dpi=100,
                    facecolor=views.BACKGROUND_RGB)
    panels = figure.subplots(1, 2)
    figure.subplots_adjust(left=0, right=1, bottom=0, top=HEIGHT_PX / (HEIGHT_PX + HEAD_PX),
                           wspace=0.004)
    front, beside = _viewpoints(points, shown)
    _show(panels[0], front, overlaid(front, cloud, models), objects)
    _show(panels[1], beside, _rebuilt(beside, cloud, models), objects)
    for panel, view in zip(panels, (front, beside)):
        _note_refusals(panel, view, refused)
    _caption(figure, title, with_models=bool(models.bodies))
    figure.savefig(path, facecolor=figure.get_facecolor())


def object_colours(count: int) -> views.Colours:
    """Return the colours (count, 3) of the objects of a frame, in their order."""
    return np.array([_PALETTE[i % len(_PALETTE)] for i in range(count)],
                    dtype=np.float32).reshape(-1, 3)


def posed_models(objects: Sequence[PictureObject], meshes: Mapping[str, TriangleMesh],
                  colours: views.Colours) -> views.PosedModels:
    """Return the models at the found poses, for the objects whose label has a mesh."""
    drawn = [i for i, each in enumerate(objects) if each.pose.label in meshes]
    poses = np.array([objects[i].pose.T_camera_object for i in drawn], dtype=np.float64)
    return views.PosedModels(bodies=[CastBody(meshes[objects[i].pose.label]) for i in drawn],
                             T_cloud_bodies=poses.reshape(-1, 4, 4), colours=colours[drawn])


def _viewpoints(points: NDArray[np.float32], shown: NDArray[np.float32],
                ) -> tuple[views.Viewpoint, views.Viewpoint]:
    """Return viewpoints at the sensor and beside it, both zoomed to the points shown."""
    beside = views.orbit_pose(centre=shown.mean(axis=0).astype(np.float64),
                              up=_table_normal(points), rotation_deg=-48, tilt_deg=8)
    front, side = (views.fitted_view(T, shown, width=WIDTH_PX, height=HEIGHT_PX)
                   for T in (np.eye(4), beside))
    return front, side


def point_colours(points: NDArray[np.float32], objects: Sequence[PictureObject],
                  colours: views.Colours) -> views.Colours:
    """Return the colour of the nearest segment within reach, of the table elsewhere."""
    painted = np.tile(np.array(_TABLE_RGB, dtype=np.float32), (len(points), 1))
    sizes = [len(each.segment) for each in objects]
    if not sum(sizes):
        return painted
    gap_m, nearest = cKDTree(np.concatenate([each.segment for each in objects])).query(
        points, distance_upper_bound=SEGMENT_REACH_M)
    near = np.isfinite(gap_m)
    painted[near] = colours[np.repeat(np.arange(len(objects)), sizes)[nearest[near]]]
    return painted


def points_of_interest(points: NDArray[np.float32], objects: Sequence[PictureObject],
                       models: views.PosedModels) -> NDArray[np.float32]:
    """Return the points to zoom to: models and their segments, or all without models."""
    cores = [_core(each.segment) for each in objects if len(each.segment)]
    return np.concatenate([models.hulls(), *cores]) if models.bodies else _core(points)


def _core(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the points (N, 3) without the farthest in depth, which are often flying pixels."""
    low, high = np.quantile(points[:, 2], [0.03, 0.97])
    return points[(points[:, 2] >= low) & (points[:, 2] <= high)]


def _table_normal(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the unit normal (3,) of the largest plane, towards the camera; up without one."""
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points[::16].astype(np.float64)))
    if len(cloud.points) < 10:
        return np.array([0.0, -1.0, 0.0])
    plane, _ = cloud.segment_plane(0.01, 3, 500)
    normal = np.array(plane[:3]) / np.linalg.norm(plane[:3])
    return normal if plane[3] > 0 else -normal


def overlaid(view: views.Viewpoint, cloud: views.ShadedCloud,
              models: views.PosedModels) -> views.Colours:
    """Return the cloud with the outline of every model drawn over it."""
    image, depth_m = views.splat(view, cloud, size_m=0.0022)
    painted, model_m, owner = views.model_layer(view, models)
    covered = (owner >= 0) & (model_m < depth_m + 0.03)
    image[covered] = 0.80 * image[covered] + 0.20 * painted[covered]
    edge = views.outlines(owner) & covered
    bright = np.minimum(models.colours[owner[edge]] * 1.35, 1)
    image[edge] = 0.35 * image[edge] + 0.65 * bright
    return image


def _rebuilt(view: views.Viewpoint, cloud: views.ShadedCloud,
             models: views.PosedModels) -> views.Colours:
    """Return the solid models over the faded cloud."""
    image, depth_m = views.splat(view, cloud, size_m=0.0026)
    image = 0.62 * image + 0.38 * np.array(views.BACKGROUND_RGB, dtype=np.float32)
    painted, model_m, owner = views.model_layer(view, models)
    nearer = (owner >= 0) & (model_m < depth_m + 0.012)
    image[nearer] = painted[nearer]
    image[views.outlines(owner) & nearer] *= 0.35
    return image


def _show(panel: Axes, view: views.Viewpoint, image: views.Colours,
          objects: Sequence[PictureObject]) -> None:
    panel.imshow(np.clip(image, 0, 1), interpolation='lanczos')
    panel.set_xlim(-0.5, view.camera.width - 0.5)
    panel.set_ylim(view.camera.height - 0.5, -0.5)
    panel.axis('off')
    for each in objects:
        _draw_axes(panel, view, each.pose.T_camera_object)
    outlines = [view.pixels(_visible_points(each)) for each in objects]
    words = [each.pose.label + (f'\n{each.note}' if each.note else '') for each in objects]
    places = place_labels(outlines, words, WIDTH_PX, HEIGHT_PX)
    for (x, y), text, each in zip(places, words, objects):
        panel.text(x, y, for_figure(text), color=_INK, fontsize=LABEL_POINTS, ha='center',
                   va='center', linespacing=1.2, bbox={
                       'boxstyle': 'round,pad=0.25', 'facecolor': (0, 0, 0, 0.6),
                       'edgecolor': _WRONG if each.wrong else 'none', 'linewidth': 2.5})


def _note_refusals(panel: Axes, view: views.Viewpoint, refused: Sequence[Refusal]) -> None:
    for each in refused:
        (x, y), = view.pixels(np.array([each.centre_m], dtype=np.float32))
        text = '\n'.join(textwrap.wrap(each.text, NOTE_CHARACTERS))
        panel.text(x, y, for_figure(text), color=_FAINT, fontsize=NOTE_POINTS, ha='center',
                   va='center', clip_on=True, bbox={'boxstyle': 'round,pad=0.2',
                                                    'facecolor': (0, 0, 0, 0.6),
                                                    'edgecolor': _FAINT, 'linewidth': 0.8})


def _visible_points(posed: PictureObject) -> NDArray[np.float32]:
    """Return the points that show where an object is in the picture."""
    origin = posed.pose.T_camera_object[None, :3, 3].astype(np.float32)
    return posed.segment if len(posed.segment) else origin


def _draw_axes(panel: Axes, view: views.Viewpoint, T_camera_object: NDArray[np.float64]) -> None:
    ends = np.vstack([np.zeros(3), AXIS_M * np.eye(3)])
    ends = ends @ T_camera_object[:3, :3].T + T_camera_object[:3, 3]
    pixels = view.pixels(ends.astype(np.float32))
    for tip, colour in zip(pixels[1:], _AXES_RGB):
        panel.plot(*zip(pixels[0], tip), color=colour, linewidth=3.2, solid_capstyle='round',
                   path_effects=[effects.Stroke(linewidth=5.5, foreground='black', alpha=0.55),
                                 effects.Normal()])


def _caption(figure: Figure, title: str, *, with_models: bool) -> None:
    figure.text(0.5, 0.955, for_figure(title), color=_INK, fontsize=21, ha='center', va='center')
    outlines, what = ('outlines of the models', 'models') if with_models else ('axes', 'axes')
    for x, words in ((0.25, f'depth cloud, segments, {outlines} at the found poses'),
                     (0.75, f'the same frame from beside: {what} at the found poses')):
        figure.text(x, 0.898, words, color=_FAINT, fontsize=14.5, ha='center', va='center')
