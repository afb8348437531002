"""Small depth images around each observation, as measured by a camera at the origin."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn.functional import embedding, pad

from pointpng_core.estimation.observations import each_once
from pointpng_core.geometry.so3 import frame_towards

PIXELS = 48
"""Edge of an image."""
WINDOW = 1.5
"""Width of the image over the width of the observation: models extend beyond the visible part."""
PIXEL_SPACINGS = 1.6
"""Least width of a pixel in mean distances between points, so that a surface has few holes."""


@dataclass(frozen=True, kw_only=True)
class DepthImages:
    """Depth along the viewing axis through the centroid, per observation and pixel."""

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
        R = self.R_image_camera[observation]
        camera = R @ (points + self.centroid[observation, None]).transpose(1, 2)  # (H, 3, n)
        depth, pixel = camera[:, 2], self.pixel[observation, None, None]
        plane = camera[:, :2] / depth.clamp(min=1e-6)[:, None]
        # Cells in the image with its border of one pixel, which holds all points outside.
        offset = (plane - self.low[observation, :, None]) / pixel + 1.0
        column, row = offset.clamp_(0, PIXELS + 1).int().unbind(1)
        flat = (observation.int()[:, None] * (PIXELS + 2) + row).mul_(PIXELS + 2).add_(column)
        near, far = embedding(flat, self._framed).unbind(-1)
        return depth, near, far

    def take(self, index: Tensor) -> 'DepthImages':
        """Return the images of some of the observations."""
        return DepthImages(**{field.name: getattr(self, field.name)[index]
                              for field in fields(self)})

    @cached_property
    def _framed(self) -> Tensor:
        """Return near and far (O * (PIXELS + 2)^2, 2), with a border without measurements."""
        images = ((self.near, torch.inf), (self.far, -torch.inf))
        return torch.stack([pad(image.unflatten(1, (PIXELS, PIXELS)), (1, 1, 1, 1), value=none)
                            .flatten() for image, none in images], dim=1)

    @classmethod
    def from_clouds(cls, clouds: Sequence[NDArray[np.float32]], device: torch.device,
                    scene_points: NDArray[np.floating] | None = None) -> 'DepthImages':
        """Build from observations (N, 3) and all points (M, 3) of a frame, in the camera frame.

        An array that is given more than once is drawn once.
        """
        once, rows = each_once(clouds)
        if len(once) < len(clouds):
            return cls.from_clouds(once, device, scene_points).take(
                torch.tensor(rows, device=device))
        centroid = torch.from_numpy(np.stack([cloud.mean(axis=0, dtype=np.float64)
                                              for cloud in clouds]))
        R, middle = frame_towards(centroid).float().to(device), centroid.float().to(device)
        plane, depth = _on_plane(torch.cat([
            torch.from_numpy(cloud).to(device) @ axes.T for cloud, axes in zip(clouds, R)]))
        lengths = torch.tensor([len(cloud) for cloud in clouds])
        owner = torch.arange(len(clouds)).repeat_interleave(lengths, output_size=len(depth))
        owner = owner.to(device)
        low, pixel = _windows(plane, owner, lengths.to(device))
        blank = depth.new_full((len(clouds), PIXELS ** 2), torch.inf)
        images = cls(R_image_camera=R, centroid=middle, low=low, pixel=pixel, near=blank,
                     far=-blank)._with(owner, plane, depth, own=True)
        if scene_points is None or not len(scene_points):
            return images
        around = torch.from_numpy(scene_points.astype(np.float32)).to(device)
        return images._with(*images._in_cones(around), own=False)

    def _with(self, owner: Tensor, plane: Tensor, depth: Tensor, *, own: bool) -> 'DepthImages':
        """Return the images with depths (P,) measured at x / z and y / z (P, 2), each in one (P,).

        `far` changes only for the observations' own points.
        """
        flat, inside = self._pixels(owner, plane)
        near = self.near.flatten().scatter_reduce(
            0, flat, torch.where(inside, depth, torch.inf), 'amin').view_as(self.near)
        if not own:
            return replace(self, near=near)
        far = self.far.flatten().scatter_reduce(
            0, flat, torch.where(inside, depth, -torch.inf), 'amax').view_as(self.far)
        return replace(self, near=near, far=far)

    def _in_cones(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the points (M, 3) that lie in the cones around images: P pairs, as for `_with`.

        Most of a frame lies outside: what is computed for all its points must be cheap.
        """
        half = self.pixel * PIXELS / 2
        reach = (self.low + half[:, None]).abs().amax(dim=1) + half
        across, down, along = (axes @ points.T for axes in self.R_image_camera.unbind(1))
        inside = along * (1 + 2 * reach.square()).sqrt()[:, None] > points.norm(dim=1)
        owner, row = inside.nonzero().unbind(1)
        flat = owner * len(points) + row
        local = [part.flatten().index_select(0, flat) for part in (across, down, along)]
        return owner, *_on_plane(torch.stack(local, dim=1))

    def _pixels(self, observation: Tensor, plane: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pixel (...) among all, and if it lies inside, of x / z and y / z (..., 2)."""
        low, pixel = (part.index_select(0, observation) for part in (self.low, self.pixel))
        offset = torch.floor((plane - low).div_(pixel[..., None]))
        cell = offset.clamp(0, PIXELS - 1)
        inside = (cell == offset).all(-1)
        column, row = cell.long().unbind(-1)
        return (observation * PIXELS + row) * PIXELS + column, inside


def _windows(plane: Tensor, owner: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return low (O, 2) and pixel (O,) of images around points (P, 2), each of one of them."""
    index, blank = owner[:, None].expand_as(plane), plane.new_full((len(lengths), 2), torch.inf)
    least = blank.scatter_reduce(0, index, plane, 'amin')
    most = (-blank).scatter_reduce(0, index, plane, 'amax')
    extent = most - least
    spacing = (extent.prod(dim=1) / lengths).sqrt()
    pixel = torch.maximum(WINDOW * extent.amax(dim=1) / PIXELS, PIXEL_SPACINGS * spacing)
    pixel = pixel.clamp(min=1e-9)
    return (most + least) / 2 - pixel[:, None] * PIXELS / 2, pixel


def _on_plane(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return x / z and y / z (..., 2), and z (...), of points (..., 3)."""
    depth = points[..., 2]
    return points[..., :2] / depth.clamp(min=1e-6)[..., None], depth
