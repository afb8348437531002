"""What a camera at the origin measured around each observation, as small depth images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.clouds.visibility import view_frames

PIXELS = 48
"""Edge of an image."""
WINDOW = 1.5
"""Width of the image over the width of the observation: models reach beyond what was seen."""
PIXEL_SPACINGS = 1.6
"""Least width of a pixel in mean distances between points, so that a surface has few holes."""


@dataclass(frozen=True, kw_only=True)
class DepthImages:
    """Depth along the viewing axis per observation and pixel, looking at its centroid."""

    R_image_camera: Tensor
    """(O, 3, 3) z axis from the camera to the observation's centroid."""
    centroid: Tensor
    """(O, 3) of the observation in the camera frame, metres."""
    low: Tensor
    """(O, 2) least x / z and y / z of the image."""
    pixel: Tensor
    """(O,) width of a pixel in x / z."""
    near: Tensor
    """(O, PIXELS^2) nearest measured depth of each pixel; inf where nothing was measured."""
    far: Tensor
    """(O, PIXELS^2) farthest depth of the observation itself; -inf where there is none."""

    def look_up(self, observation: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return depth, near and far (H, n) of points (H, n, 3) about their centroid.

        Pixels outside the image count as not measured.
        """
        camera = points + self.centroid[observation, None]
        x, y, z = (camera @ self.R_image_camera[observation].transpose(1, 2)).unbind(-1)
        plane = torch.stack((x, y), dim=-1) / z.clamp(min=1e-6)[..., None]
        offset = plane - self.low[observation, None]
        cell = torch.floor(offset / self.pixel[observation, None, None]).long()
        inside = ((cell >= 0) & (cell < PIXELS)).all(-1)
        column, row = cell.clamp(0, PIXELS - 1).unbind(-1)
        flat = (observation[:, None] * PIXELS + row) * PIXELS + column
        near = torch.where(inside, self.near.flatten()[flat], torch.inf)
        return z, near, torch.where(inside, self.far.flatten()[flat], -torch.inf)

    @classmethod
    def from_clouds(cls, clouds: Sequence[NDArray[np.float32]], device: torch.device,
                    surroundings: NDArray[np.floating] | None = None) -> 'DepthImages':
        """Build from observations (N, 3) in the camera frame and all other points of it."""
        around = np.empty((0, 3), np.float32) if surroundings is None else surroundings
        ranges = np.linalg.norm(around, axis=1)
        images = [_image(cloud, around, ranges) for cloud in clouds]
        stacked = {name: np.stack([image[name] for image in images])
                   for name in cls.__dataclass_fields__}
        return cls(**{name: torch.from_numpy(array).to(device)
                      for name, array in stacked.items()})


def _image(cloud: NDArray[np.float32], surroundings: NDArray[np.floating],
           ranges: NDArray[np.floating]) -> dict[str, NDArray[np.float32]]:
    centroid = cloud.mean(axis=0, dtype=np.float64)
    axis = centroid / np.linalg.norm(centroid)
    turn = view_frames(axis[None])[0].astype(np.float32)
    plane, depth = _project(cloud, turn)
    middle = (plane.max(axis=0) + plane.min(axis=0)) / 2
    extent = plane.max(axis=0) - plane.min(axis=0)
    spacing = np.sqrt(extent.prod() / len(cloud))
    pixel = max(WINDOW * float(extent.max()) / PIXELS, PIXEL_SPACINGS * float(spacing), 1e-9)
    low = middle - pixel * PIXELS / 2
    near, far = np.full(PIXELS ** 2, np.inf, np.float32), np.full(PIXELS ** 2, -np.inf, np.float32)
    flat, inside = _pixels(plane, low, pixel)
    np.minimum.at(near, flat[inside], depth[inside])
    np.maximum.at(far, flat[inside], depth[inside])
    # Most of a frame lies outside the window: a cone around it is tested first, for it is cheap.
    reach = np.abs(middle).max() + pixel * PIXELS / 2
    cone = surroundings[surroundings @ axis.astype(np.float32) * np.sqrt(1 + 2 * reach ** 2)
                        > ranges]
    plane, depth = _project(cone, turn)
    flat, inside = _pixels(plane, low, pixel)
    np.minimum.at(near, flat[inside], depth[inside])
    image = {'R_image_camera': turn, 'centroid': centroid, 'low': low, 'pixel': pixel,
             'near': near, 'far': far}
    return {name: np.asarray(value, np.float32) for name, value in image.items()}


def _project(points: NDArray[np.floating], turn: NDArray[np.float32]
             ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    image = points @ turn.T
    depth = image[:, 2]
    return image[:, :2] / np.maximum(depth, 1e-6)[:, None], depth


def _pixels(plane: NDArray[np.float32], low: NDArray[np.float32], pixel: float
            ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    cell = np.floor((plane - low) / pixel).astype(np.int64)
    inside = ((cell >= 0) & (cell < PIXELS)).all(axis=1)
    return cell[:, 1] * PIXELS + cell[:, 0], inside
