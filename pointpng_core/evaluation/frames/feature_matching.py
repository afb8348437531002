"""Baseline: FPFH features, RANSAC and ICP of Open3D, for objects in scenes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
import open3d as o3d

from pointpng_core.evaluation.frames.baseline_clouds import (
    REFINE_REACH,
    Matrix,
    Verifier,
    model_cloud,
    view_cloud,
)
from pointpng_core.evaluation.frames.surface import Model
from pointpng_core.evaluation.pose.baselines import VOXEL, FpfhRansac, fpfh_features, ransac


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureModel:
    """A model, and its downsampled points with their features."""

    cloud: Any
    few: Any
    fpfh: Any
    diameter_m: float


class FeatureMatching:
    """The same steps as `FpfhRansac`, with normals that model and view agree on.

    There, normals point to the middle of each cloud, which a scene of many objects has not.
    """

    name = FpfhRansac.name

    def prepare(self, model: Model, diameter_m: float) -> FeatureModel:
        """Compute the features of a model."""
        cloud = model_cloud(model)
        few = cloud.voxel_down_sample(VOXEL * diameter_m)
        return FeatureModel(cloud=cloud, few=few, fpfh=fpfh_features(few, diameter_m),
                            diameter_m=diameter_m)

    def poses(self, prepared: FeatureModel, points: NDArray[np.floating], count: int
              ) -> list[tuple[Matrix, float]]:
        """Return up to `count` poses of the object in a view (N, 3), with scores.

        The points that a pose explains are removed before the next one is searched for.
        """
        diameter_m = prepared.diameter_m
        view = view_cloud(points, VOXEL * diameter_m)
        found: list[tuple[Matrix, float]] = []
        while len(found) < count and len(view.points) >= 10:
            T = self._pose(prepared, view)
            if T is None:
                break
            verifier = Verifier(model=prepared.cloud, view=view, diameter_m=diameter_m)
            found += verifier.best([T], 1)
            posed = o3d.geometry.PointCloud(prepared.few).transform(found[-1][0])
            gaps = np.asarray(view.compute_point_cloud_distance(posed))
            view = view.select_by_index(np.flatnonzero(gaps > REFINE_REACH * diameter_m))
        return found

    def _pose(self, prepared: FeatureModel, view: Any) -> Matrix | None:
        """Return the global result, or None where Open3D finds too few correspondences."""
        try:
            T_model_camera = ransac(view, prepared.few, fpfh_features(view, prepared.diameter_m),
                                    prepared.fpfh, prepared.diameter_m)
            return np.asarray(np.linalg.inv(T_model_camera))
        except (RuntimeError, np.linalg.LinAlgError):
            return None
