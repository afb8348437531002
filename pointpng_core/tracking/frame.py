"""One frame as the steps of the pipeline need it: in the optical frame of its sensor."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.pixels import DepthView
from pointpng_core.geometry.clouds import PointCloud, finite_rows
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.tracking.explained_points import Foreground

SCENE_POINTS = 80_000
"""Points of the frame that suffice for the coarse depth images made from them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """The points (N, 3) of a frame in the sensor's optical frame, and the noise of their depth.

    `image_shape` is (height, width) where the cloud is organised, else None. Rows without a
    reading are not finite.
    """

    points: NDArray[np.floating]
    image_shape: tuple[int, int] | None
    depth_noise: DepthNoise

    @classmethod
    def of(cls, cloud: PointCloud, depth_noise: DepthNoise) -> 'Frame':
        """Return the frame of a cloud, which may be in any frame."""
        return cls(points=cloud.sensor_points, image_shape=cloud.image_shape,
                   depth_noise=depth_noise)

    @cached_property
    def scene_points(self) -> NDArray[np.floating]:
        """Return about SCENE_POINTS of the points (n, 3), evenly chosen, finite ones only."""
        few = self.points[::max(1, len(self.points) // SCENE_POINTS)]
        return few[finite_rows(few)]

    @cached_property
    def depth_view(self) -> DepthView | None:
        """Return the depth image, None where the cloud is none of a pinhole camera."""
        return DepthView.of(self.points, self.image_shape, self.sigma_m) \
            if self.image_shape else None

    @cached_property
    def sigma_m(self) -> NDArray[np.floating]:
        """Return the standard deviation of depth (N,) at each row."""
        return self.depth_noise.sigma_m(self.points[:, 2])

    def foreground(self, rows: NDArray[np.int64]) -> Foreground:
        """Return the points at rows (F,) of the cloud, ascending."""
        return Foreground(points=self.points[rows].astype(np.float32), indices=rows,
                          sigma_m=self.sigma_m[rows])
