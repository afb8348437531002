"""Clouds with normals for the baselines, and the refinement and choice of their poses."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
import open3d as o3d

from pointpng_core.evaluation.frames.surface import Model
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.geometry.rigid_motion import transform

Matrix = NDArray[np.float64]
PLANE_TOLERANCE_M = 0.01
RANGE_M = 2.0
MODEL_POINTS, SCORED_EVERY = 6000, 5
"""Points of a model, of which every so many-th is scored."""
REFINE_REACH, NEAR = 0.05, 0.03
"""In diameters: of ICP, and of a model's point that the scene confirms."""
AROUND = 0.6
"""In diameters from the model's middle: points of a view that a pose is compared with."""
APART = 0.3
"""In diameters: nearer poses of one object are the same one."""


def cloud_of(points: NDArray[np.floating], normals: NDArray[np.floating] | None = None) -> Any:
    """Return an Open3D cloud of points (N, 3) and perhaps normals (N, 3)."""
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points.astype(np.float64)))
    if normals is not None:
        cloud.normals = o3d.utility.Vector3dVector(normals.astype(np.float64))
    return cloud


def model_cloud(model: Model) -> Any:
    """Return points of a model with outward normals; those of a scan point away from its middle.

    The same model gives the same cloud.
    """
    if isinstance(model, TriangleMesh):
        return cloud_of(*sample_surface(model, MODEL_POINTS))
    cloud = cloud_of(model)
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(30))
    cloud.orient_normals_towards_camera_location(cloud.get_center())
    cloud.normals = o3d.utility.Vector3dVector(-np.asarray(cloud.normals))
    return cloud


def view_cloud(points: NDArray[np.floating], spacing_m: float) -> Any:
    """Return points of a view about `spacing_m` apart, with normals towards the camera."""
    cloud = cloud_of(points).voxel_down_sample(spacing_m)
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(3 * spacing_m, 40))
    cloud.orient_normals_towards_camera_location(np.zeros(3))
    return cloud


def without_plane(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the points (M, 3) of a view in range and in front of its dominant plane."""
    near = points[points[:, 2] < RANGE_M]
    if len(near) < 3:
        return near
    (*normal, offset), _ = cloud_of(near).segment_plane(PLANE_TOLERANCE_M, 3, 1000)
    heights = near @ np.asarray(normal) + offset
    return near[heights * np.sign(offset) > PLANE_TOLERANCE_M]


@dataclass(frozen=True, kw_only=True, eq=False)
class Verifier:
    """Refines and scores poses of one model in one view."""

    model: Any
    view: Any
    diameter_m: float

    def refined(self, T_camera_model: Matrix) -> Matrix:
        """Return a pose after point-to-plane ICP of the view's points around it on the model."""
        inverse = o3d.pipelines.registration.registration_icp(
            self._around(T_camera_model), self.model, REFINE_REACH * self.diameter_m,
            np.linalg.inv(T_camera_model),
            o3d.pipelines.registration.TransformationEstimationPointToPlane()).transformation
        return np.asarray(np.linalg.inv(inverse))

    def score(self, T_camera_model: Matrix) -> float:
        """Return the share of the model's points facing the camera that the view confirms."""
        points = transform(T_camera_model, np.asarray(self.model.points)[::SCORED_EVERY])
        normals = np.asarray(self.model.normals)[::SCORED_EVERY] @ T_camera_model[:3, :3].T
        facing = points[(points * normals).sum(axis=1) < 0]
        around = self._around(T_camera_model)
        if len(facing) == 0 or around.is_empty():
            return 0.0
        gaps = np.asarray(cloud_of(facing).compute_point_cloud_distance(around))
        return float((gaps < NEAR * self.diameter_m).mean())

    def best(self, poses: list[Matrix], count: int) -> list[tuple[Matrix, float]]:
        """Return the `count` best of refined poses that are apart, with their scores."""
        refined = [self.refined(T) for T in poses]
        scored = sorted(((T, self.score(T)) for T in refined), key=lambda pair: -pair[1])
        centre = np.append(self.model.get_center(), 1.0)
        kept: list[tuple[Matrix, float]] = []
        for T, score in scored:
            gaps = [np.linalg.norm((T - other)[:3] @ centre) for other, _ in kept]
            if len(kept) < count and min(gaps, default=np.inf) > APART * self.diameter_m:
                kept.append((T, score))
        return kept

    def _around(self, T_camera_model: Matrix) -> Any:
        centre = T_camera_model[:3] @ np.append(self.model.get_center(), 1.0)
        gaps = np.linalg.norm(np.asarray(self.view.points) - centre, axis=1)
        return self.view.select_by_index(np.flatnonzero(gaps < AROUND * self.diameter_m))
