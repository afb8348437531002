"""Baselines: Open3D's global registration, and ICP from one and from many starts.

Every length is scaled by the source's diameter, clouds are centred, and everything that depends on
the source alone is prepared once, as for the methods of this project.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
from scipy.spatial.transform import Rotation
import small_gicp

from pointpng_core.evaluation.pose.methods import Cloud, Matrix, Method
from pointpng_core.geometry.clouds import centred, diameter_m, random_points
from pointpng_core.geometry.so3 import super_fibonacci

registration = o3d.pipelines.registration

VOXEL = 0.03
"""Downsampling, in diameters; normals and features reach the usual multiples of it."""
ICP_REACH = 0.04
RANSAC_ITERATIONS = 100_000
STARTS = 48
START_POINTS = 256
FIRST_REACH, FINAL_REACH = 0.2, 0.05
"""Largest distance of ICP correspondences at first and at last, in diameters."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """A downsampled cloud about its centroid with normals and FPFH features."""

    points: Any
    fpfh: Any
    centroid: Matrix
    diameter_m: float


def _features(cloud: Cloud, diameter: float) -> Features:
    local, centroid = centred(cloud)
    points = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(local.astype(np.float64)))
    points = points.voxel_down_sample(VOXEL * diameter)
    points.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(2.5 * VOXEL * diameter, 30))
    points.orient_normals_towards_camera_location(np.zeros(3))
    return Features(points=points, fpfh=fpfh_features(points, diameter), centroid=centroid,
                    diameter_m=diameter)


def fpfh_features(points: Any, diameter: float) -> Any:
    """Return the FPFH features of a downsampled cloud with normals."""
    return registration.compute_fpfh_feature(
        points, o3d.geometry.KDTreeSearchParamHybrid(6 * VOXEL * diameter, 100))


def ransac(points: Any, model: Any, fpfh: Any, model_fpfh: Any, diameter: float) -> Matrix:
    """Return T_model_points (4, 4) by RANSAC over mutual matches of features.

    Raises RuntimeError where there are too few of them for a sample.
    """
    reach = 1.5 * VOXEL * diameter
    checkers = [registration.CorrespondenceCheckerBasedOnEdgeLength(0.9),
                registration.CorrespondenceCheckerBasedOnDistance(reach)]
    found = registration.registration_ransac_based_on_feature_matching(
        points, model, fpfh, model_fpfh, True, reach,
        registration.TransformationEstimationPointToPoint(False), 3, checkers,
        registration.RANSACConvergenceCriteria(RANSAC_ITERATIONS, 0.999))
    return np.asarray(found.transformation)


class FeatureRegistration:
    """FPFH features, a global step, and point-to-plane ICP against the source."""

    name = ''

    def prepare(self, source: Cloud) -> Features:
        """Compute the source's features."""
        return _features(source, diameter_m(source))

    def register(self, prepared: Features, target: Cloud) -> tuple[Matrix, dict[str, float]]:
        """Register the target onto the source and invert."""
        found = _features(target, prepared.diameter_m)
        T_source_target = registration.registration_icp(
            found.points, prepared.points, ICP_REACH * prepared.diameter_m,
            self._start(found, prepared),
            registration.TransformationEstimationPointToPlane()).transformation
        return _inverse_about(T_source_target, prepared.centroid, found.centroid), {}

    def _start(self, found: Features, prepared: Features) -> Matrix:
        """Return the global result; where Open3D gives up, ICP starts from the centroids."""
        try:
            return self._global(found, prepared)
        except RuntimeError:  # too few correspondences for a sample
            return np.eye(4)

    def _global(self, found: Features, prepared: Features) -> Matrix:
        raise NotImplementedError


class FpfhRansac(FeatureRegistration):
    """FPFH + RANSAC + ICP."""

    name = 'open3d_fpfh_ransac_icp'

    def _global(self, found: Features, prepared: Features) -> Matrix:
        return ransac(found.points, prepared.points, found.fpfh, prepared.fpfh,
                      prepared.diameter_m)


class FastGlobal(FeatureRegistration):
    """Fast global registration (Zhou 2016) + ICP."""

    name = 'open3d_fgr_icp'

    def _global(self, found: Features, prepared: Features) -> Matrix:
        reach = 1.5 * VOXEL * prepared.diameter_m
        option = registration.FastGlobalRegistrationOption(maximum_correspondence_distance=reach)
        return registration.registration_fgr_based_on_feature_matching(
            found.points, prepared.points, found.fpfh, prepared.fpfh, option).transformation


@dataclass(frozen=True, kw_only=True, eq=False)
class GicpSource:
    """A cloud about its centroid with the tree and covariances of small_gicp."""

    points: Any
    tree: Any
    centroid: Matrix
    diameter_m: float


class LocalIcp:
    """GICP from one start, without a search: the given rotation, and centroids aligned.

    Correspondences may be far apart first, and only close at the end.
    """

    name = 'icp_1_start'

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def prepare(self, source: Cloud) -> GicpSource:
        """Build the source's tree and covariances."""
        local, centroid = centred(source)
        points, tree = self._with_covariances(local)
        return GicpSource(points=points, tree=tree, centroid=centroid,
                          diameter_m=diameter_m(source))

    def register(self, prepared: GicpSource, target: Cloud) -> tuple[Matrix, dict[str, float]]:
        """Register the target onto the source and invert."""
        local, centroid = centred(target)
        whole, _ = self._with_covariances(local)
        start = self._start(prepared, local, whole)
        T_source_target = self._align(prepared, whole, start, 'GICP', FINAL_REACH)
        return _inverse_about(T_source_target, prepared.centroid, centroid), {}

    def _start(self, prepared: GicpSource, local: Cloud, whole: Any) -> Matrix:
        """Return where the final alignment starts, T_source_target of centred clouds."""
        return self._align(prepared, whole, np.eye(4), 'GICP', FIRST_REACH)

    def _with_covariances(self, local: Cloud) -> tuple[Any, Any]:
        points = small_gicp.PointCloud(local.astype(np.float64))
        tree = small_gicp.KdTree(points, num_threads=self._threads)
        small_gicp.estimate_covariances(points, tree, 20, self._threads)
        return points, tree

    def _align(self, prepared: GicpSource, points: Any, T_start: Matrix, kind: str, reach: float
               ) -> Matrix:
        return small_gicp.align(
            prepared.points, points, prepared.tree, init_T_target_source=T_start,
            registration_type=kind, max_correspondence_distance=reach * prepared.diameter_m,
            max_iterations=20, num_threads=self._threads).T_target_source


class ManyStartIcp(LocalIcp):
    """ICP from 48 evenly spread rotations, the lowest truncated residual, GICP at the end."""

    name = 'icp_48_starts'

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self._starts = Rotation.from_quat(super_fibonacci(STARTS).numpy()).as_matrix()

    def _start(self, prepared: GicpSource, local: Cloud, whole: Any) -> Matrix:
        few = random_points(local, min(START_POINTS, len(local))).astype(np.float64)
        sample = small_gicp.PointCloud(few)
        poses = [self._align(prepared, sample, _pose(R), 'ICP', FIRST_REACH)
                 for R in self._starts]
        return min(poses, key=lambda T: _truncated_residual(prepared, few, T))


def all_baselines(threads: int) -> list[Method]:
    """Return the baselines, seeded, for a number of threads."""
    o3d.utility.random.seed(0)
    o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)
    return [FpfhRansac(), FastGlobal(), ManyStartIcp(threads)]


def _truncated_residual(prepared: GicpSource, few: Matrix, T: Matrix) -> float:
    _, squared = prepared.tree.batch_nearest_neighbor_search(few @ T[:3, :3].T + T[:3, 3])
    return float(np.minimum(np.sqrt(squared), 0.1 * prepared.diameter_m).mean())


def _pose(R: Matrix) -> Matrix:
    T = np.eye(4)
    T[:3, :3] = R
    return T


def _inverse_about(T_source_target: Matrix, source_centroid: Matrix, target_centroid: Matrix
                   ) -> Matrix:
    """Return T_target_source of clouds whose registration was done about their centroids."""
    T = np.linalg.inv(T_source_target)
    T[:3, 3] += target_centroid - T[:3, :3] @ source_centroid
    return np.asarray(T, np.float64)
