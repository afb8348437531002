"""Segmentation of a point cloud: table, points above it, voxels, parts, objects."""

import numpy as np

from pointpng_core.errors import CloudError
from pointpng_core.geometry.depth_noise import KINECT_NOISE, DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.contacts import Ground
from pointpng_core.segmentation.foreground import foreground_rows, ground_below
from pointpng_core.segmentation.local_shape import Voxels, describe_surface, gather_voxels
from pointpng_core.segmentation.object_groups import objects_only, segments_of
from pointpng_core.segmentation.oversegmentation import cut_parts, link_voxels
from pointpng_core.segmentation.part_merging import merge_parts
from pointpng_core.segmentation.scene import Scene, Segment
from pointpng_core.segmentation.support_choice import SupportChoice
from pointpng_core.segmentation.supports import find_supports
from pointpng_core.timing import StageTimer


def segment_scene(points: np.ndarray, *, config: SegmenterConfig,
                  image_shape: tuple[int, int] | None = None,
                  depth_noise: DepthNoise = KINECT_NOISE) -> Scene:
    """Return the objects of a cloud, and the surfaces that they stand on.

    `points` (N, 3) are in metres in the camera frame (z forward, the camera at the origin);
    non-finite rows are ignored. `image_shape` is (height, width) of an organised cloud, row-major;
    it is only checked against N, since no step depends on the order of the rows. `depth_noise` is
    that of the camera. Without a support (`plane` is None) all points in range that lie on no wall
    or floor are segmented.

    The result is deterministic. Raises CloudError for arrays of another shape.
    """
    points = _checked(points, image_shape)
    timer = StageTimer()
    with timer('total'):
        support, rows, segments = _segments(points, config, depth_noise, timer)
    return Scene(segments=segments, foreground=rows, support=support, stage_ms=timer.stage_ms)


def _checked(points: np.ndarray, image_shape: tuple[int, int] | None) -> np.ndarray:
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise CloudError(f'points of shape {points.shape}: expected (N, 3)')
    if image_shape is not None and image_shape[0] * image_shape[1] != len(points):
        raise CloudError(f'image_shape {image_shape} does not match {len(points)} points')
    return points if points.dtype in (np.float32, np.float64) else points.astype(np.float32)


def _segments(points: np.ndarray, config: SegmenterConfig, depth_noise: DepthNoise,
              timer: StageTimer) -> tuple[SupportChoice, np.ndarray, tuple[Segment, ...]]:
    with timer('table'):
        support = find_supports(points, config=config, depth_noise=depth_noise)
    with timer('above'):
        rows = foreground_rows(points, support, config=config, depth_noise=depth_noise)
    if len(rows) == 0:
        return support, rows, ()
    with timer('voxel'):
        voxels = gather_voxels(points[rows], config.voxel_size_m)
    ground = ground_below(voxels.centroids, support, config=config, depth_noise=depth_noise)
    labels = _object_labels(voxels, ground, config, timer)
    with timer('gather'):
        segments = segments_of(labels[voxels.of_point], points, rows, config.min_segment_points)
    return support, rows, segments


def _object_labels(voxels: Voxels, ground: Ground, config: SegmenterConfig,
                   timer: StageTimer) -> np.ndarray:
    centroids = voxels.centroids
    with timer('surface'):
        surface = describe_surface(centroids, config=config)
    with timer('split'):
        if config.split:
            parts = cut_parts(surface, config=config)
            labels = merge_parts(surface, parts, ground, config=config)
        else:
            labels = link_voxels(surface)
    return objects_only(labels, centroids, ground, config=config)
