"""Depth images of posed objects, with the whole and the visible mask of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
import functools

import numpy as np
from numpy.typing import NDArray

from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.rendering import CastBody, DepthImage, render

_WIDER = 3


@dataclass(frozen=True, kw_only=True)
class ClutterImage:
    """An ideal image of N objects.

    image: depth, incidence and owner of each pixel (an object's index, N for the scenery);
    masks (N, H, W): pixels of each object as if it were alone; pixels_all (N,): their number,
    with those that lie outside of the image.
    """

    image: DepthImage
    masks: NDArray[np.bool_]
    pixels_all: NDArray[np.int64]

    @property
    def visible_masks(self) -> NDArray[np.bool_]:
        """Return the pixels (N, H, W) of each object that nothing occludes."""
        indices = np.arange(len(self.masks), dtype=np.int16)
        visible: NDArray[np.bool_] = self.image.owner == indices[:, None, None]
        return visible


def render_clutter(camera: DepthCamera, bodies: Sequence[CastBody],
                   T_camera_bodies: NDArray[np.float64], scenery: CastBody,
                   T_camera_world: NDArray[np.float64]) -> ClutterImage:
    """Cast every object (poses (N, 4, 4)) and the scenery into one image.

    As in the BOP toolkit, the pixels that an object would have outside of the image are counted
    too, in an image three times as wide and high.
    """
    poses = np.concatenate([T_camera_bodies, T_camera_world[None]])
    image = render(camera, [*bodies, scenery], poses)
    wide = _wider(camera)
    rows, columns = slice(camera.height, -camera.height), slice(camera.width, -camera.width)
    masks = np.zeros((len(bodies), *image.owner.shape), dtype=bool)
    pixels_all = np.zeros(len(bodies), dtype=np.int64)
    for index, (body, T_camera_body) in enumerate(zip(bodies, T_camera_bodies)):
        alone = render(wide, [body], T_camera_body[None]).owner == 0
        masks[index] = alone[rows, columns]
        pixels_all[index] = alone.sum()
    return ClutterImage(image=image, masks=masks, pixels_all=pixels_all)


@functools.lru_cache(maxsize=2)
def _wider(camera: DepthCamera) -> DepthCamera:
    """Return a camera whose image surrounds that of another by its own size on all sides.

    Equal cameras give the same object, whose rays are computed once.
    """
    return replace(camera, width=_WIDER * camera.width, height=_WIDER * camera.height,
                   cx=camera.cx + camera.width, cy=camera.cy + camera.height)
