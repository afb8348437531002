"""GICP (Segal 2009) by small_gicp, every length scaled by the object's size."""

import numpy as np
from numpy.typing import NDArray
import small_gicp

NEIGHBOURS = 20
"""Points whose spread gives a point's covariance."""
REACH_DIAMETERS = 0.05
"""Pairs further apart than this are no correspondences any more after ICP."""
STEPS = 20


class GicpCloud:
    """A cloud (N, 3) with the tree and covariances GICP needs, prepared once."""

    def __init__(self, points: NDArray[np.floating]) -> None:
        self.points = small_gicp.PointCloud(points.astype(np.float64))
        self.tree = small_gicp.KdTree(self.points)
        small_gicp.estimate_covariances(self.points, self.tree, NEIGHBOURS)

    def align(self, source: 'GicpCloud', T_target_source: NDArray[np.float64], *,
              diameter_m: float) -> NDArray[np.float64]:
        """Return T_target_source (4, 4) improved from a start, with this cloud as the target."""
        result = small_gicp.align(
            self.points, source.points, self.tree, init_T_target_source=T_target_source,
            registration_type='GICP', max_iterations=STEPS, num_threads=1,
            max_correspondence_distance=REACH_DIAMETERS * diameter_m,
            translation_epsilon=1e-5 * diameter_m, rotation_epsilon=1e-5)
        moved = np.asarray(result.T_target_source)
        return moved if np.isfinite(moved).all() else T_target_source
