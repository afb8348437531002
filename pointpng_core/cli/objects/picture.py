"""The picture of an object: from four sides, with the axes of its frame and of its symmetry."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
import matplotlib.patheffects as effects
import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.geometry import CONTINUOUS, Rotational
from pointpng_core.geometry.symmetry_text import symmetry_in_words
from pointpng_core.io import TriangleMesh
from pointpng_core.reference import Reference
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.rendering import CastBody, render
from pointpng_core.text import for_figure

PANEL_PX, HEAD_PX = 520, 112
SIDES = {'front (from -y)': (0.0, 0.0), 'right (from +x)': (90.0, 0.0),
         'above (from +z)': (0.0, 90.0), 'at an angle': (35.0, 30.0)}
"""Azimuth and elevation of the camera in degrees; azimuth 0 looks along +y."""
DISTANCE_DIAMETERS = 4.0
FILL = 0.72
"""Share of a panel's side that the diameter of the object takes."""
AXIS_DIAMETERS = 0.32
SYMMETRY_DIAMETERS = 0.62
BACKGROUND, INK, FAINT, AMBER = '#0e1116', '#e8ecf2', '#9aa4b2', '#ffc14d'
SURFACE_RGB = np.array([0.42, 0.66, 0.90])
EDGE_PX = 36
"""Words keep this far from the edge of their panel."""
RING_WORD_PX = {'-': np.array([14.0, -14.0]), '--': np.array([-40.0, 20.0])}
"""From a line that is seen along itself to its word: axes of the frame, of the symmetry."""
AXES_RGB = ((1.0, 0.32, 0.32), (0.35, 0.92, 0.40), (0.45, 0.62, 1.0))


@dataclass(frozen=True, kw_only=True)
class _View:
    """A camera and where it is: T_camera_object (4, 4)."""

    camera: DepthCamera
    T_camera_object: NDArray[np.float64]

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points (N, 3) of the object's frame are in the image, (N, 2)."""
        T = self.T_camera_object
        return self.camera.pinhole.project(points @ T[:3, :3].T + T[:3, 3])


def save_object_picture(path: Path, model: TriangleMesh | NDArray[np.float32],
                        reference: Reference) -> None:
    """Draw a mesh or points (N, 3) with what its reference knows; write a PNG.

    Raises FileError when it cannot be written.
    """
    width, height = 2 * PANEL_PX, 2 * PANEL_PX + HEAD_PX
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=BACKGROUND)
    panels = figure.subplots(2, 2).ravel()
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1 - HEAD_PX / height, wspace=0.01,
                           hspace=0.01)
    body = CastBody(model) if isinstance(model, TriangleMesh) else None
    for panel, (name, (azimuth, elevation)) in zip(panels, SIDES.items()):
        view = _view(reference, azimuth, elevation)
        panel.imshow(_surface(view, body) if body else _points(view, reference))
        _decorate(panel, view, reference, name)
    _caption(figure, reference, height)
    try:
        figure.savefig(path, facecolor=BACKGROUND)
    except (OSError, ValueError) as error:
        raise FileError(f'cannot write {path}: {error}') from error


def _view(reference: Reference, azimuth_deg: float, elevation_deg: float) -> _View:
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    right = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    level = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    forward = np.cos(elevation) * level - np.sin(elevation) * np.array([0.0, 0.0, 1.0])
    T = np.eye(4)
    T[:3, :3] = [right, np.cross(forward, right), forward]
    T[:3, 3] = [0, 0, DISTANCE_DIAMETERS * reference.diameter_m] - T[:3, :3] @ _middle(reference)
    focal, centre = FILL * PANEL_PX * DISTANCE_DIAMETERS, (PANEL_PX - 1) / 2
    camera = DepthCamera(width=PANEL_PX, height=PANEL_PX, fx=focal, fy=focal, cx=centre,
                         cy=centre, near_m=0.0)
    return _View(camera=camera, T_camera_object=T)


def _middle(reference: Reference) -> NDArray[np.float64]:
    points = reference.points
    return (points.min(axis=0) + points.max(axis=0)).astype(np.float64) / 2


def _surface(view: _View, body: CastBody) -> NDArray[np.float64]:
    """Return the lit surface (H, W, 3), smooth at its edges: drawn twice as large."""
    camera = view.camera
    fine = replace(camera, width=2 * camera.width, height=2 * camera.height, fx=2 * camera.fx,
                   fy=2 * camera.fy, cx=2 * camera.cx + 0.5, cy=2 * camera.cy + 0.5)
    image = render(fine, [body], view.T_camera_object[None])
    hit = image.owner >= 0
    light = np.where(hit, 0.25 + 0.75 * _light(image.depth_m, hit, image.cosine), 0.0)
    painted = np.where(hit[..., None], light[..., None] * SURFACE_RGB, _background())
    return painted.reshape(camera.height, 2, camera.width, 2, 3).mean(axis=(1, 3))


def _light(depth_m: NDArray[np.float32], hit: NDArray[np.bool_], cosine: NDArray[np.float32]
           ) -> NDArray[np.float64]:
    """Return brightness (H, W): what faces the viewer is bright, jumps in depth are drawn dark."""
    filled = np.where(hit, depth_m, np.nan).astype(np.float64)
    with np.errstate(invalid='ignore'):
        jump = np.abs(np.diff(filled, axis=1, append=np.nan)) \
            + np.abs(np.diff(filled, axis=0, append=np.nan))
        edge = jump > 0.02 * (np.nanmedian(filled) if np.isfinite(filled).any() else 0.0)
    return np.where(edge, 0.15, cosine)


def _points(view: _View, reference: Reference) -> NDArray[np.float64]:
    """Return the points that face the camera, near ones brighter: (H, W, 3)."""
    T = view.T_camera_object
    depth_m = reference.points @ T[2, :3] + T[2, 3]
    order = np.argsort(-depth_m)
    near = (depth_m.max() - depth_m) / max(float(np.ptp(depth_m)), 1e-9)
    columns, rows = np.rint(view.pixels(reference.points[order].astype(np.float64))).astype(int).T
    image = np.tile(_background(), (view.camera.height, view.camera.width, 1))
    for right in range(3):
        for down in range(3):
            image[(rows + down).clip(0, PANEL_PX - 1), (columns + right).clip(0, PANEL_PX - 1)] = \
                (0.15 + 0.85 * near[order, None]) * SURFACE_RGB
    return image


def _background() -> NDArray[np.float64]:
    return np.array([int(BACKGROUND[place:place + 2], 16) for place in (1, 3, 5)]) / 255


def _decorate(panel: Any, view: _View, reference: Reference, name: str) -> None:
    panel.axis('off')
    panel.set_xlim(-0.5, PANEL_PX - 0.5)
    panel.set_ylim(PANEL_PX - 0.5, -0.5)
    for element in reference.symmetry.elements:
        _draw_symmetry(panel, view, reference, element)
    for axis, (letter, colour) in enumerate(zip('xyz', AXES_RGB)):
        tip = AXIS_DIAMETERS * reference.diameter_m * np.eye(3)[axis]
        _draw_line(panel, view, np.array([np.zeros(3), tip]), letter, colour, style='-')
    panel.text(12, 22, for_figure(name), color=FAINT, fontsize=12)


def _draw_symmetry(panel: Any, view: _View, reference: Reference, element: Rotational) -> None:
    point, axis = np.array(element.point), np.array(element.axis)
    point = point + ((_middle(reference) - point) @ axis) * axis
    reach = SYMMETRY_DIAMETERS * reference.diameter_m * axis
    word = 'any angle' if element.order == CONTINUOUS else f'1/{element.order} turn'
    _draw_line(panel, view, np.array([point - reach, point + reach]), word, AMBER, style='--')


def _draw_line(panel: Any, view: _View, ends: NDArray[np.float64], word: str, colour: Any, *,
               style: str) -> None:
    start, end = view.pixels(ends)
    dark = [effects.Stroke(linewidth=4.5, foreground='black', alpha=0.6), effects.Normal()]
    length = float(np.linalg.norm(end - start))
    if length < 12:  # seen along the line: a ring
        panel.plot(*end, marker='o', markersize=9, markerfacecolor='none', markeredgewidth=2.2,
                   color=colour)
    else:
        panel.plot(*zip(start, end), style, color=colour, linewidth=2.4, path_effects=dark)
    beside = 16 * (end - start) / length if length >= 12 else RING_WORD_PX[style]
    x, y = np.clip(end + beside, EDGE_PX, PANEL_PX - EDGE_PX)
    panel.text(x, y, for_figure(word), color=colour, fontsize=12, ha='center', va='center',
               path_effects=dark)


def _caption(figure: Figure, reference: Reference, height: int) -> None:
    size = ' x '.join(f'{1e3 * side:.0f}' for side in np.ptp(reference.points, axis=0))
    lines = ((0.26, reference.name, INK, 20), (0.58, f'{size} mm (x, y, z)', FAINT, 12),
             (0.82, f'symmetry: {symmetry_in_words(reference.symmetry)}', FAINT, 12))
    for place, words, colour, points in lines:
        figure.text(0.5, 1 - place * HEAD_PX / height, for_figure(words), color=colour,
                    fontsize=points, ha='center', va='center')
