"""A sheet of small pictures: every frame with the outlines of its poses, to look at."""

from collections.abc import Mapping
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pointpng_core.errors import FileError
from pointpng_core.evaluation.frames.judge import DUPLICATE, FALSE, NEAR, NOT_A_TARGET, RIGHT
from pointpng_core.evaluation.frames.judged_frame import JudgedFrame
from pointpng_core.evaluation.frames.surface import Surface
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.io.bop import BopFrame
from pointpng_core.text import printable

Image = NDArray[np.uint8]
PANEL_PX, CAPTION_PX, MARGIN_PX, COLUMNS, MOST_PANELS = 400, 16, 4, 4, 64
GREEN, RED, BLUE, AMBER, WHITE = (
    (60, 220, 90), (255, 70, 60), (70, 150, 255), (255, 190, 60), (255, 255, 255))
COLOURS = {RIGHT: GREEN, NOT_A_TARGET: GREEN, NEAR: AMBER, DUPLICATE: AMBER, FALSE: RED,
           None: BLUE}
LEGEND = ('green: right', 'amber: near, or a second pose of one object', 'red: false',
          'blue: accepted, no truth to judge it by', 'white, dotted: not found, and why')
DARK = 0.7
"""Brightness of the frame behind the outlines."""


class ContactSheet:
    """Collects pictures of frames, small ones, and writes them as one PNG."""

    def __init__(self, surfaces: Mapping[str, Surface]) -> None:
        """Take the surfaces of all labels."""
        self._surfaces = surfaces
        self._panels: list[Image] = []

    def add(self, judged: JudgedFrame) -> None:
        """Draw a frame; those beyond MOST_PANELS are left out."""
        if len(self._panels) >= MOST_PANELS:
            return
        canvas = _Canvas(judged.frame, judged.depth_m)
        for truth, loss in zip(judged.truths, judged.lost):
            if loss:
                canvas.outline(self._surfaces[truth.label], truth.T_camera_object,
                               f'{truth.label}: {loss}', colour=WHITE, dotted=True)
        for found, verdict in zip(judged.answer.predictions, judged.verdicts):
            if found.accepted:
                canvas.outline(self._surfaces[found.label], found.T_camera_object,
                               f'{found.label} {found.confidence:.2f}', colour=COLOURS[verdict])
        self._panels.append(canvas.finished(judged.line))

    def save(self, path: Path) -> None:
        """Write the sheet; raises FileError."""
        from PIL import Image as images
        columns = min(COLUMNS, max(1, len(self._panels)))
        height = max((len(panel) for panel in self._panels), default=1)
        rows = max(1, math.ceil(len(self._panels) / columns))
        legend = legend_lines(columns * PANEL_PX)
        head = CAPTION_PX * len(legend)
        sheet = np.zeros((head + rows * height, columns * PANEL_PX, 3), dtype=np.uint8)
        for index, panel in enumerate(self._panels):
            top, left = head + index // columns * height, index % columns * PANEL_PX
            sheet[top:top + len(panel), left:left + PANEL_PX] = panel
        image = images.fromarray(sheet)
        for index, line in enumerate(legend):
            _write(image, (MARGIN_PX, 2 + index * CAPTION_PX), line, WHITE)
        try:
            image.save(path, format='PNG')
        except OSError as error:
            raise FileError(f'cannot write {path}: {error.strerror or error}') from error


class _Canvas:
    """One frame in the size of a panel, with outlines drawn into it and words on top."""

    def __init__(self, frame: BopFrame, depth_m: NDArray[np.float32]) -> None:
        from PIL import Image as images
        camera = frame.camera
        self._scale = PANEL_PX / camera.width
        size = PANEL_PX, max(1, round(camera.height * self._scale))
        colour = frame.rgb()
        picture = shaded(depth_m, camera) if colour is None else colour
        self._pixels = np.asarray(
            images.fromarray(picture).resize(size, images.Resampling.BOX)) * DARK
        self._pixels = self._pixels.astype(np.uint8)
        self._camera = camera
        self._words: list[tuple[tuple[int, int], str, tuple[int, int, int]]] = []

    def outline(self, surface: Surface, T_camera_object: NDArray[np.float64], words: str, *,
                colour: tuple[int, int, int], dotted: bool = False) -> None:
        """Draw the outline of an object at a pose, with words above it, or beside its middle."""
        mask = silhouette(transform(T_camera_object, surface.points), self._camera, self._scale,
                          self._pixels.shape[:2])
        if not mask.any():
            return
        edge = mask & ~ndimage.binary_erosion(mask)
        rows, columns = np.nonzero(edge)
        if dotted:
            kept = (rows + columns) // 3 % 2 == 0
            rows, columns = rows[kept], columns[kept]
        self._pixels[rows, columns] = colour
        top, left = np.argwhere(mask).min(axis=0)
        middle = int(rows.mean()) - 5 if dotted else int(top) - 11
        self._words.append(((int(left), max(0, middle)), words, colour))

    def finished(self, caption: str) -> Image:
        """Return the panel (H, W, 3) with its words and a caption below it."""
        from PIL import Image as images
        height = len(self._pixels)
        image = images.new('RGB', (PANEL_PX, height + CAPTION_PX))
        image.paste(images.fromarray(self._pixels), (0, 0))
        for place, words, colour in self._words:
            _write(image, place, words, colour)
        _write(image, (MARGIN_PX, height + 1), caption, WHITE)
        return np.asarray(image)


def silhouette(points: NDArray[np.floating], camera: PinholeCamera, scale: float,
               shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels (H, W) of a scaled image that points (N, 3) of a surface cover.

    Gaps between the points are closed.
    """
    pixels = camera.project(points[points[:, 2] > 0].astype(np.float64)) * scale
    columns, rows = np.rint(pixels).astype(int).T
    inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    mask = np.zeros(shape, dtype=bool)
    mask[rows[inside], columns[inside]] = True
    closed = ndimage.binary_closing(np.pad(mask, 3), iterations=2)[3:-3, 3:-3]
    return np.asarray(ndimage.binary_fill_holes(closed))


def shaded(depth_m: NDArray[np.float32], camera: PinholeCamera) -> Image:
    """Return a grey picture (H, W, 3) of a depth image, lit from the camera; gaps are black."""
    valid = depth_m > 0
    smooth = ndimage.median_filter(depth_m, size=5)
    points = camera.backproject(smooth)
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normals = np.cross(across, down)
    lengths = np.linalg.norm(normals, axis=-1) * camera.ray_lengths
    cosine = np.abs((normals * camera.rays).sum(axis=-1)) / np.maximum(lengths, 1e-12)
    grey = np.where(valid, 60 + 195 * cosine, 0).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def legend_lines(width_px: int) -> list[str]:
    """Return the legend in as many lines as a sheet of this width needs."""
    lines = [LEGEND[0]]
    for entry in LEGEND[1:]:
        longer = f'{lines[-1]}    {entry}'
        if _font().getlength(longer) <= width_px - 2 * MARGIN_PX:
            lines[-1] = longer
        else:
            lines.append(entry)
    return lines


def _write(image: Any, place: tuple[int, int], words: str, colour: tuple[int, int, int]) -> None:
    from PIL import ImageDraw
    ImageDraw.Draw(image).text(place, printable(words), fill=colour, font=_font(), stroke_width=1,
                               stroke_fill=(0, 0, 0))


def _font() -> Any:
    from PIL import ImageFont
    return ImageFont.load_default(size=9)
