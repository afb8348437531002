"""The points of a frame that lie on posed objects: what a pose explains, whatever its segment."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.association import surface_distances


@dataclass(frozen=True, kw_only=True, eq=False)
class Foreground:
    """All points of a frame that may belong to objects.

    `points` (N, 3) float32 are in the camera frame, `indices` (N,) int64 their rows of the cloud,
    and `sigma_m` (N,) the depth noise of each.
    """

    points: NDArray[np.float32]
    indices: NDArray[np.int64]
    sigma_m: NDArray[np.floating]

    def on_pose(self, T_camera_object: NDArray[np.float64], reference: Reference, *,
                base_m: float, sigmas: float) -> Segment:
        """Return the points within `base_m` plus so many sigmas of a posed surface."""
        return self.near_pose(T_camera_object, reference, base_m=base_m, sigmas=sigmas)[0]

    def near_pose(self, T_camera_object: NDArray[np.float64], reference: Reference, *,
                  base_m: float, sigmas: float) -> tuple[Segment, NDArray[np.float32]]:
        """Return what `on_pose` returns, and the distances (n,) in metres from the surface."""
        reach_m = base_m + sigmas * self.sigma_m
        rows = self._in_box(T_camera_object, reference, reach_m)
        distances_m = surface_distances(self.points[rows], T_camera_object, reference) \
            if len(rows) else np.zeros(0, np.float32)
        near = distances_m < reach_m[rows]
        rows = rows[near]
        return Segment(points=self.points[rows], indices=self.indices[rows]), distances_m[near]

    def _in_box(self, T_camera_object: NDArray[np.float64], reference: Reference,
                reach_m: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the points within `reach_m` (N,) of the box around the surface, ascending."""
        centre, size = reference.box
        R, t = T_camera_object[:3, :3], T_camera_object[:3, 3]
        middle = R @ centre + t
        half_m = np.abs(R[0]) @ size / 2 + np.sqrt(3) * reach_m.max(initial=0)
        order, along = self._by_first_axis
        rows = order[slice(*np.searchsorted(along, (middle[0] - half_m, middle[0] + half_m)))]
        offset = np.abs((self.points[rows] - middle.astype(np.float32)) @ R.astype(np.float32))
        inside = (offset < size.astype(np.float32) / 2 + reach_m[rows, None]).all(axis=1)
        return np.sort(rows[inside])

    @cached_property
    def _by_first_axis(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the order (N,) of the points along the first axis, and where they are on it.

        Most of a frame is not near an object: what is looked at for each pose must be little.
        """
        order = np.argsort(self.points[:, 0], kind='stable')
        return order, self.points[order, 0]
