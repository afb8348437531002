"""Posed surfaces as a depth image would show them: which points are visible, at which pixels."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from pointpng_core.estimation.pixels.depth_view import DepthView
from pointpng_core.estimation.pixels.surface_samples import SurfaceSamples

CELLS, BORDER = 96, 9
"""Edge of the coarse image of each pose, in cells, and its empty border."""
LEAST_CELL_PX = 1.5
CELL_SPACINGS = 1.3
"""Width of a cell in distances between drawn points, so that a surface has few holes."""
LEAST_COSINE = 0.15
"""Of the angle between surface and view: what is seen at a more grazing angle is not measured."""
HIDDEN_M, HIDDEN_SPACINGS = 0.004, 2.0
"""A point this far behind the nearest one of its cell is hidden by the object itself."""
NEAREST_M = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """H posed surfaces by S points in the camera's frame."""

    points: Tensor
    """(H, S, 3) metres."""
    normals: Tensor
    """(H, S, 3)"""
    cosine: Tensor
    """(H, S) of the angle between surface and view."""
    pixels: Tensor
    """(H, S, 2) column and row."""
    row: Tensor
    """(H, S) of the cloud, the nearest pixel."""
    visible: Tensor
    """(H, S) whether the camera would see the point if nothing else were there."""
    weight_px: Tensor
    """(H, S) pixels for which the point stands, 0 where it is not visible."""
    outside_px: Tensor
    """(H,) the same of all points that would be visible in a larger image."""
    low: Tensor
    """(H, 2) pixel at the corner of the coarse image."""
    cell_px: Tensor
    """(H,) width of a cell."""
    nearest: Tensor
    """(H, CELLS^2) least depth of each cell, inf where the surface covers none of it."""

    @cached_property
    def silhouette(self) -> Tensor:
        """Return (H * CELLS^2) bool: the cells that the surface covers, and their neighbours."""
        covered = torch.isfinite(self.nearest).view(-1, 1, CELLS, CELLS).float()
        return (max_pool2d(covered, 3, 1, 1) > 0).flatten()

    def covers(self, pose: Tensor, pixels: Tensor) -> Tensor:
        """Return whether pixels (n, k, 2) lie in or right beside the silhouettes of poses (n,)."""
        flat = _cells(pixels, self.low[pose], self.cell_px[pose])
        return self.silhouette[pose[:, None] * CELLS ** 2 + flat]


def draw(samples: SurfaceSamples, index: Tensor, T_camera_object: Tensor, view: DepthView
         ) -> Drawing:
    """Return the drawing of references (H,) at poses (H, 4, 4)."""
    R, t = T_camera_object[:, :3, :3], T_camera_object[:, :3, 3]
    points = samples.points[index] @ R.transpose(1, 2) + t[:, None]
    normals = samples.normals[index] @ R.transpose(1, 2)
    depth = points[..., 2].clamp(min=NEAREST_M)
    cosine = -(points * normals).sum(-1) / points.norm(dim=-1).clamp(min=NEAREST_M)
    cosine = torch.where(samples.outward[index][:, None], cosine, cosine.abs())
    pixels = view.project(points)
    area = samples.area_m2[index]
    low, cell_px = _grid(pixels, area.sqrt() / depth.mean(1) * view.focal[0])
    flat = _cells(pixels, low, cell_px)
    nearest = depth.new_full((len(index), CELLS ** 2), torch.inf).scatter_reduce(
        1, flat, depth, 'amin')
    cell_m = cell_px[:, None] * depth / view.focal[0]
    slope = (1 / cosine.clamp(LEAST_COSINE, 1.0).square() - 1).sqrt()
    reach = torch.maximum(HIDDEN_SPACINGS * samples.spacing_m[index], area.new_tensor(HIDDEN_M))
    hidden = depth > nearest.gather(1, flat) + reach[:, None] + 0.5 * cell_m * slope
    row, inside = view.rows_of(pixels)
    facing = (cosine > LEAST_COSINE) & ~hidden & (points[..., 2] > NEAREST_M) \
        & samples.counts[index]
    visible = facing & inside
    weight = area[:, None] * cosine / depth.square() * view.focal.prod()
    return Drawing(points=points, normals=normals, cosine=cosine, pixels=pixels, row=row,
                   visible=visible, weight_px=torch.where(visible, weight, 0.0),
                   outside_px=torch.where(facing & ~inside, weight, 0.0).sum(1), low=low,
                   cell_px=cell_px, nearest=nearest)


def _grid(pixels: Tensor, spacing_px: Tensor) -> tuple[Tensor, Tensor]:
    """Return the corner (H, 2) and the width of a cell (H,) of coarse images around pixels."""
    least, most = pixels.amin(1), pixels.amax(1)
    fitting = (most - least).amax(-1) / (CELLS - 2 * BORDER - 1)
    cell = torch.maximum(CELL_SPACINGS * spacing_px, fitting).clamp(min=LEAST_CELL_PX)
    return least - BORDER * cell[:, None], cell


def _cells(pixels: Tensor, low: Tensor, cell_px: Tensor) -> Tensor:
    """Return the cell (H, n) of pixels (H, n, 2); those outside count to the border."""
    cell = ((pixels - low[:, None]) / cell_px[:, None, None]).clamp(0, CELLS - 1).long()
    return cell[..., 1] * CELLS + cell[..., 0]
