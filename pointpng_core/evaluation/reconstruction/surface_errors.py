"""Accuracy and completeness of a model: distances from the true surface, covered share of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.io import TriangleMesh, sample_surface

POINTS = 20_000
"""Samples of each of the two surfaces."""
ALIGNED_POINTS = 4000
NEAR_M = 0.003
"""The model covers true surface that is nearer to it than this."""
LOW_M = 0.009
"""Surface lower above the table than this is removed with the table by the segmentation."""


@dataclass(frozen=True, kw_only=True)
class SurfaceErrors:
    """Distances of the model from the true surface, and shares of that surface it covers."""

    mean_m: float
    p95_m: float
    completeness: float
    """Share of the true surface within NEAR_M of the model."""
    completeness_above_table: float
    """The same of the surface higher than LOW_M above its lowest point."""


def aligned(model: TriangleMesh, true: TriangleMesh, estimator: PoseEstimator
            ) -> NDArray[np.float64]:
    """Return T_model_true (4, 4), the best pose of the true surface in the model's frame.

    Raises CloudError for a mesh without a surface.
    """
    points = sample_surface(model, ALIGNED_POINTS)[0]
    reference = estimator.reference_from_model(true, name='true')
    return estimator.estimate(points, [reference])[0].T_observation_reference


def surface_errors(model: TriangleMesh, true: TriangleMesh, T_model_true: NDArray[np.float64]
                   ) -> SurfaceErrors:
    """Return how a model (z up) compares to the true mesh at its pose (4, 4) in the frame."""
    points, surface = sample_surface(model, POINTS)[0], sample_surface(true, POINTS)[0]
    T_true_model = np.linalg.inv(T_model_true).astype(np.float64)
    off_m = gaps_m(true, transform(T_true_model, points))
    placed = transform(T_model_true, surface)
    near = gaps_m(model, placed) < NEAR_M
    # In the model's frame: a symmetric object may be aligned upside down.
    high = placed[:, 2] - placed[:, 2].min() > LOW_M
    return SurfaceErrors(mean_m=float(off_m.mean()), p95_m=float(np.percentile(off_m, 95)),
                         completeness=float(near.mean()),
                         completeness_above_table=float(near[high].mean()))


def gaps_m(mesh: TriangleMesh, points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the distances (N,) of points (N, 3) from a mesh, in its frame."""
    import open3d as o3d  # heavy, and only this needs it
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(o3d.core.Tensor(np.ascontiguousarray(mesh.vertices, np.float32)),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    gaps: NDArray[np.float32] = scene.compute_distance(
        o3d.core.Tensor(points.astype(np.float32)), nthreads=1).numpy()
    return gaps
