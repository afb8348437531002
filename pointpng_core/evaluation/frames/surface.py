"""ADD-S of the poses of one object, measured on its surface."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pointpng_core.geometry.clouds import random_points
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.geometry.rigid_motion import transform

Model = TriangleMesh | NDArray[np.float32]
"""A mesh, or points (N, 3) where a dataset has no faces; metres."""
DENSE, SPARSE = 20_000, 1000
"""Points at the estimated and at the true pose. So many keep ADD-S of equivalent poses, which is
only the spacing of the dense points, below 1 % of the diameter."""


class Surface:
    """Points of a mesh's surface, or those of a model without faces, metres."""

    def __init__(self, model: Model, diameter_m: float) -> None:
        """Sample the surface; the same model gives the same points."""
        if isinstance(model, TriangleMesh):
            self.points, _ = sample_surface(model, DENSE)
        else:
            self.points = random_points(model, min(DENSE, len(model)))
        self.diameter_m = diameter_m
        self._tree = cKDTree(self.points)
        self._few = random_points(self.points, min(SPARSE, len(self.points))).astype(np.float64)

    def add_s(self, T_estimate: NDArray[np.float64], T_truth: NDArray[np.float64]) -> float:
        """Return ADD-S (Xiang 2018) of a pose (4, 4) as a share of the diameter.

        Mean distance from points at the true pose to the nearest one at the estimated pose.
        """
        T_estimate_truth = np.linalg.inv(T_estimate) @ T_truth
        gaps = self._tree.query(transform(T_estimate_truth, self._few))[0]
        return float(gaps.mean()) / self.diameter_m
