"""A measured depth image at full resolution, with the noise of each pixel."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
import torch
from torch import Tensor

from pointpng_core.geometry.depth_jumps import depth_edges

EDGE_SIGMAS = 6.0
"""Steps between neighbours of more standard deviations are edges: there, a pixel mixes two
depths, or was shifted by less than its width."""
EDGE_RAD = 0.0038
"""Angle beside an edge at which what is measured may still be on its other side: cameras shift
edges by some pixels, two at a focal length of 525 to 575."""
FITTED_POINTS = 4000
WORST_PIXELS = 1.0
"""Clouds whose rows lie further from the pixels of a pinhole camera have no depth image."""
LEAST_READINGS = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthView:
    """What a pinhole camera measured in H x W pixels, row by row; lengths in metres.

    points (H * W, 3) are in the optical frame, not finite where there is no reading; sigma_m
    (H * W,) is the noise of depth, edge whether a neighbour is at another depth, and near_edge
    whether a pixel within EDGE_RAD is an edge; focal, principal (2,) are the camera's, in pixels.
    """

    shape: tuple[int, int]
    points: Tensor
    sigma_m: Tensor
    edge: Tensor
    near_edge: Tensor
    focal: Tensor
    principal: Tensor

    @classmethod
    def of(cls, points: NDArray[np.floating], shape: tuple[int, int],
           sigma_m: NDArray[np.floating], device: torch.device | str = 'cpu'
           ) -> 'DepthView | None':
        """Return the view of an organised cloud (H * W, 3), sigma_m (H * W,).

        None where its rows are no pixels of a pinhole camera, or too few have a reading.
        """
        camera = fitted_camera(points, shape)
        if camera is None:
            return None
        sigma = np.nan_to_num(sigma_m.astype(np.float32), nan=1.0)
        edge = depth_edges(points[:, 2].reshape(shape), EDGE_SIGMAS * sigma.reshape(shape))
        near_edge = binary_dilation(edge, np.ones((3, 3)), iterations=edge_width_px(camera[0]))
        there = torch.from_numpy(points.astype(np.float32)).to(device)
        return cls(shape=shape, points=there, sigma_m=torch.from_numpy(sigma).to(device),
                   edge=torch.from_numpy(edge.ravel()).to(device),
                   near_edge=torch.from_numpy(near_edge.ravel()).to(device),
                   focal=there.new_tensor(camera[0]), principal=there.new_tensor(camera[1]))

    @property
    def depth_m(self) -> Tensor:
        """Return the depth (H * W,) along the optical axis."""
        return self.points[:, 2]

    def with_sigmas(self, factor: float) -> 'DepthView':
        """Return the view as of a camera whose noise is `factor` times as large."""
        return replace(self, sigma_m=self.sigma_m * factor)

    def project(self, points: Tensor) -> Tensor:
        """Return column and row (..., 2) of points (..., 3) in front of the camera."""
        return points[..., :2] / points[..., 2:].clamp(min=1e-3) * self.focal + self.principal

    def rows_of(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest row of the cloud of pixels (..., 2), and whether it is inside."""
        height, width = self.shape
        column, row = pixels.round().unbind(-1)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        flat = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
        return flat.long(), inside


def fitted_camera(points: NDArray[np.floating], shape: tuple[int, int]
                  ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return focal length and principal point (2,), (2,) in pixels of an organised cloud.

    By least squares of the columns over x / z and of the rows over y / z. None where they do not
    fit to WORST_PIXELS, or fewer than LEAST_READINGS rows are finite.
    """
    rows = np.flatnonzero(np.isfinite(points[:, 2]) & (points[:, 2] > 0))
    if len(rows) < LEAST_READINGS:
        return None
    rows = rows[::max(1, len(rows) // FITTED_POINTS)]
    plane = points[rows, :2].astype(np.float64) / points[rows, 2:]
    pixels = np.column_stack((rows % shape[1], rows // shape[1])).astype(np.float64)
    spread, mean = plane - plane.mean(axis=0), pixels.mean(axis=0)
    square = (spread ** 2).sum(axis=0)
    if not (square > 0).all():
        return None
    focal = (spread * (pixels - mean)).sum(axis=0) / square
    principal = mean - focal * plane.mean(axis=0)
    error = np.abs(focal * plane + principal - pixels)
    fits = (focal > 0).all() and np.quantile(error, 0.99) < WORST_PIXELS
    return (focal, principal) if fits else None


def edge_width_px(focal_px: NDArray[np.float64]) -> int:
    """Return EDGE_RAD in pixels of a camera with focal lengths (2,), at least one."""
    return max(1, round(EDGE_RAD * float(focal_px.mean())))
