"""Exact point-to-plane ICP by small_gicp, every length scaled by the object's size."""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 20
"""Points that a normal is fitted to: enough to average the noise of a sensor."""
REACH_DIAMETERS = 0.04
"""Pairs further apart than this are no correspondences any more after the batched ICP."""
STEPS = 20
CONVERGED = 5e-4
"""Step (diameters, radians) below which the registration stands still."""


class SurfaceTree:
    """A surface (N, 3) with the search tree and normals that registration onto it needs."""

    def __init__(self, points: NDArray[np.floating]) -> None:
        import small_gicp  # training, which imports all of this, need not have it
        self._points = small_gicp.PointCloud(points.astype(np.float64))
        self._tree = small_gicp.KdTree(self._points)
        small_gicp.estimate_normals_covariances(self._points, self._tree, NEIGHBOURS)

    def align(self, source: NDArray[np.floating], T_surface_source: NDArray[np.float64], *,
              diameter_m: float, steps: int = STEPS) -> NDArray[np.float64]:
        """Return T_surface_source (4, 4) improved from a start, for source points (N, 3)."""
        import small_gicp
        result = small_gicp.align(
            self._points, small_gicp.PointCloud(source.astype(np.float64)), self._tree,
            init_T_target_source=T_surface_source, registration_type='PLANE_ICP',
            max_correspondence_distance=REACH_DIAMETERS * diameter_m, max_iterations=steps,
            translation_epsilon=CONVERGED * diameter_m, rotation_epsilon=CONVERGED, num_threads=1)
        moved = np.asarray(result.T_target_source)
        return moved if np.isfinite(moved).all() else T_surface_source
