"""A moving picture of a run: the cloud, its segments and the model outlines at the found poses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from matplotlib.font_manager import findfont
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pointpng_core.io import TriangleMesh
from pointpng_core.text import printable
from pointpng_ros.demo import point_renderer as views
from pointpng_ros.demo.label_placement import nearest_free_place
from pointpng_ros.demo.picture import (
    BEHIND_M,
    PictureObject,
    object_colours,
    overlaid,
    point_colours,
    points_of_interest,
    posed_models,
)

WIDTH_PX, HEIGHT_PX, CAPTION_PX = 760, 460, 34
MAX_FRAMES = 36
INTERVAL_S = 0.3
SPEED = 3
CAPTION = ('depth cloud, segments, and model outlines at the poses that the node published '
           f'({SPEED}x speed)')
_FRAME_MS = (80, 240)
_QUALITY = 66
_LABEL_SMOOTHING = 0.6
_LABEL_GAP_PX, _LABEL_HEIGHT_PX, _PADDING_PX, _SPACING_PX = 16, 26, 7, 4
_FONT_PX, _CAPTION_FONT_PX = 17, 15
_INK = (232, 236, 242)


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """A cloud's stamp, its finite points (N, 3), and what was found in it."""

    time_s: float
    points: NDArray[np.float32]
    objects: list[PictureObject]


class Animation:
    """Collects frames while a run lasts, and draws them when it is over."""

    def __init__(self) -> None:
        self._frames: list[_Frame] = []

    def wants(self, time_s: float) -> bool:
        """Return whether a frame with this stamp (s) is due."""
        last_s = self._frames[-1].time_s if self._frames else float('-inf')
        return len(self._frames) < MAX_FRAMES and time_s - last_s >= INTERVAL_S

    def add(self, time_s: float, points: NDArray[np.float32],
            objects: list[PictureObject]) -> None:
        """Keep a frame: its stamp (s), the finite points (N, 3), and what was found."""
        self._frames.append(_Frame(time_s=time_s, points=points, objects=objects))

    def save(self, path: Path, meshes: Mapping[str, TriangleMesh]) -> int:
        """Write an animated WebP that plays forwards and backwards; return the number of frames.

        Frames before the first detection are left out. Without any, nothing is written.
        """
        begin = next((i for i, frame in enumerate(self._frames) if frame.objects), None)
        if begin is None:
            return 0
        frames = self._frames[begin:]
        images = _draw(frames, meshes)
        steps_ms = [int(np.clip(1000 * (b.time_s - a.time_s) / SPEED, *_FRAME_MS))
                    for a, b in pairwise(frames)]
        images[0].save(path, save_all=True, append_images=images[1:] + images[-2:0:-1],
                       duration=(steps_ms + steps_ms[::-1]) or _FRAME_MS[1], loop=0,
                       quality=_QUALITY, method=4)
        return max(2 * len(images) - 2, 1)


def _draw(frames: Sequence[_Frame], meshes: Mapping[str, TriangleMesh]) -> list[Image.Image]:
    """Return an image of each frame, all from one viewpoint, with one colour for each object."""
    names = list(dict.fromkeys(item.pose.frame for frame in frames for item in frame.objects))
    palette = dict(zip(names, object_colours(len(names))))
    colours = [np.array([palette[item.pose.frame] for item in frame.objects],
                        dtype=np.float32).reshape(-1, 3) for frame in frames]
    models = [posed_models(frame.objects, meshes, paint)
              for frame, paint in zip(frames, colours)]
    shown = np.concatenate([points_of_interest(frame.points, frame.objects, posed)
                            for frame, posed in zip(frames, models) if frame.objects])
    view = views.fitted_view(np.eye(4), shown, width=WIDTH_PX, height=HEIGHT_PX)
    depth_m, labels = shown[:, 2].max() + BEHIND_M, _Labels()
    images = []
    for frame, paint, posed in zip(frames, colours, models):
        near = frame.points[frame.points[:, 2] < depth_m]
        cloud = views.shade(near, point_colours(near, frame.objects, paint))
        pixels = np.clip(255 * overlaid(view, cloud, posed), 0, 255).astype(np.uint8)
        image = Image.new('RGB', (WIDTH_PX, HEIGHT_PX + CAPTION_PX))
        image.paste(Image.fromarray(pixels), (0, 0))
        labels.draw(ImageDraw.Draw(image), view, frame.objects, paint)
        images.append(image)
    return images


class _Labels:
    """Names above the objects, which follow them smoothly and keep off one another."""

    def __init__(self) -> None:
        font = findfont('DejaVu Sans')
        self._font = ImageFont.truetype(font, _FONT_PX)
        self._caption_font = ImageFont.truetype(font, _CAPTION_FONT_PX)
        self._places: dict[str, NDArray[np.float64]] = {}

    def draw(self, canvas: ImageDraw.ImageDraw, view: views.Viewpoint,
             objects: Sequence[PictureObject], colours: views.Colours) -> None:
        """Write the name of every object and the caption."""
        for item, colour, box in zip(objects, colours, self.boxes(view, objects)):
            left, top, right, bottom = (float(edge) for edge in box)
            canvas.rounded_rectangle((left, top, right, bottom), radius=7, fill=(14, 17, 22),
                                     outline=_rgb(colour), width=2)
            canvas.text(((left + right) / 2, (top + bottom) / 2), printable(item.pose.label),
                        fill=_INK, anchor='mm', font=self._font)
        canvas.text((WIDTH_PX / 2, HEIGHT_PX + CAPTION_PX / 2), CAPTION, fill=_INK, anchor='mm',
                    font=self._caption_font)

    def boxes(self, view: views.Viewpoint, objects: Sequence[PictureObject]
              ) -> list[NDArray[np.float64]]:
        """Return the boxes (left, top, right, bottom) of the labels in pixels; none overlap.

        Each label moves part of the way from its last place to the one above its object, and from
        there to the nearest place that is free. The order is that of the objects' frames, so that
        the same labels give way in every image.
        """
        boxes = [np.zeros(4)] * len(objects)
        taken: list[NDArray[np.float64]] = []
        for index in sorted(range(len(objects)), key=lambda i: objects[i].pose.frame):
            item = objects[index]
            target = _above(item, view)
            former = self._places.get(item.pose.frame, target)
            half = np.array([self._font.getlength(item.pose.label) / 2 + _PADDING_PX,
                             _LABEL_HEIGHT_PX / 2])
            place = nearest_free_place(former + _LABEL_SMOOTHING * (target - former),
                                       half + _SPACING_PX / 2, taken, WIDTH_PX, HEIGHT_PX)
            self._places[item.pose.frame] = place
            boxes[index] = np.concatenate([place - half, place + half])
            taken.append(boxes[index] + np.array([-1, -1, 1, 1]) * _SPACING_PX / 2)
        return boxes


def _above(item: PictureObject, view: views.Viewpoint) -> NDArray[np.float64]:
    """Return the pixel (2,) above an object at which its label would stand alone."""
    pixels = view.pixels(_extent(item))
    return np.array([np.median(pixels[:, 0]), np.quantile(pixels[:, 1], 0.01) - _LABEL_GAP_PX])


def _extent(item: PictureObject) -> NDArray[np.float32]:
    """Return points (N, 3) that show where an object is: its segment, else its origin."""
    origin = item.pose.T_camera_object[None, :3, 3].astype(np.float32)
    return item.segment if len(item.segment) else origin


def _rgb(colour: NDArray[np.float32]) -> tuple[int, int, int]:
    red, green, blue = (round(255 * float(part)) for part in colour)
    return red, green, blue
