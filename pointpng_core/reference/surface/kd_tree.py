"""A surface's search tree and normals, and exact point-to-plane ICP on it, by small_gicp."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.clouds import random_points

NEIGHBOURS = 20
"""Points that a normal is fitted to: enough to average the noise of a sensor."""
REACH_DIAMETERS = 0.04
"""Largest distance of correspondences in the ICP that follows the batched one."""
STEPS = 20
CONVERGED = 5e-4
"""Step (diameters, radians) below which the registration has converged."""
SAMPLE = 1024
"""Points that represent the whole surface when it is compared with another one."""


class SurfaceTree:
    """A surface (N, 3) with the search tree and normals for registration onto it."""

    def __init__(self, points: NDArray[np.floating]) -> None:
        import small_gicp  # training, which imports all of this, need not have it
        self._points = small_gicp.PointCloud(points.astype(np.float64))
        self._tree = small_gicp.KdTree(self._points)
        small_gicp.estimate_normals_covariances(self._points, self._tree, NEIGHBOURS)

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """Return the points (N, 3)."""
        return self._points.points()[:, :3].astype(np.float32)

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """Return a unit normal (N, 3) of each point, of either sign, fitted to its neighbours."""
        return self._points.normals()[:, :3].astype(np.float32)

    @cached_property
    def sample(self) -> NDArray[np.float32]:
        """Return at most SAMPLE random points (n, 3)."""
        return random_points(self.points, min(SAMPLE, len(self.points)))

    def nearest(self, queries: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the rows (Q,) of the points nearest to queries (Q, 3)."""
        rows, _ = self._tree.batch_nearest_neighbor_search(queries.astype(np.float64))
        return np.asarray(rows, dtype=np.int64)

    def align(self, source: NDArray[np.floating], T_surface_source: NDArray[np.float64], *,
              diameter_m: float, steps: int = STEPS, reach_diameters: float = REACH_DIAMETERS
              ) -> NDArray[np.float64]:
        """Return T_surface_source (4, 4) improved from a start, for source points (N, 3)."""
        import small_gicp
        result = small_gicp.align(
            self._points, small_gicp.PointCloud(source.astype(np.float64)), self._tree,
            init_T_target_source=T_surface_source, registration_type='PLANE_ICP',
            max_correspondence_distance=reach_diameters * diameter_m, max_iterations=steps,
            translation_epsilon=CONVERGED * diameter_m, rotation_epsilon=CONVERGED, num_threads=1)
        moved = np.asarray(result.T_target_source)
        return moved if np.isfinite(moved).all() else T_surface_source
