"""The usual baseline for tabletop scenes: voxels, RANSAC plane, DBSCAN."""

import time

import numpy as np
import open3d as o3d
from scipy.spatial import cKDTree

_VOXEL_M = 0.005
_PLANE_M = 0.01
_PLANE_TRIALS = 1000
_CLUSTER_M = 0.015
_CLUSTER_POINTS = 10


def segment_ransac_dbscan(points: np.ndarray, *, min_points: int
                          ) -> tuple[list[np.ndarray], float]:
    """Return the rows of each cluster of points (N, 3), and the milliseconds it took.

    The time ends with the clusters of the voxels: assigning the rows of the cloud to them is not
    counted, in favour of this method.
    """
    o3d.utility.random.seed(0)
    start = time.perf_counter()
    rows = np.flatnonzero(np.isfinite(points).all(axis=1))
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points[rows].astype(np.float64)))
    voxels = cloud.voxel_down_sample(_VOXEL_M)
    if len(voxels.points) < 3:
        return [], 1e3 * (time.perf_counter() - start)
    plane = voxels.segment_plane(_PLANE_M, 3, _PLANE_TRIALS)[1]
    rest = voxels.select_by_index(plane, invert=True)
    labels = np.asarray(rest.cluster_dbscan(_CLUSTER_M, _CLUSTER_POINTS))
    passed_ms = 1e3 * (time.perf_counter() - start)
    centroids = np.asarray(rest.points)[labels >= 0]
    if len(centroids) == 0:
        return [], passed_ms
    return _rows_of_clusters(points, rows, centroids, labels[labels >= 0], min_points), passed_ms


def _rows_of_clusters(points: np.ndarray, rows: np.ndarray, centroids: np.ndarray,
                      labels: np.ndarray, min_points: int) -> list[np.ndarray]:
    distances, nearest = cKDTree(centroids).query(points[rows], distance_upper_bound=_VOXEL_M)
    near = np.isfinite(distances)
    owners = labels[nearest[near]]
    groups = [rows[near][owners == label] for label in range(labels.max() + 1)]
    return [group for group in groups if len(group) >= min_points]
