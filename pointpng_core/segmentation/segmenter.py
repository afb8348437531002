"""Segmentation of a point cloud: table, points above it, voxels, parts, objects."""

from dataclasses import dataclass, replace

import numpy as np

from pointpng_core.errors import CloudError
from pointpng_core.geometry.depth_noise import KINECT_NOISE, DepthNoise
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.contacts import Ground
from pointpng_core.segmentation.foreground import foreground_rows, ground_below
from pointpng_core.segmentation.local_shape import Voxels, describe_surface, gather_voxels
from pointpng_core.segmentation.oversegmentation import cut_parts, link_voxels
from pointpng_core.segmentation.part_merging import merge_parts
from pointpng_core.segmentation.plane_detection import Plane
from pointpng_core.segmentation.support_choice import SupportChoice
from pointpng_core.segmentation.supports import find_supports
from pointpng_core.timing import StageTimer


@dataclass(frozen=True, kw_only=True)
class Segment:
    """The visible points of one object.

    `points` (N, 3) float32 are in the frame of the cloud; `indices` (N,) int64 are their rows of
    the cloud, ascending.
    """

    points: np.ndarray
    indices: np.ndarray

    def moved(self, T: np.ndarray) -> 'Segment':
        """Return the segment with its points moved by T (4, 4)."""
        return replace(self, points=transform(T, self.points).astype(np.float32))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The segments, largest first, what they stand on and why that, and milliseconds per stage.

    The stages are table, above, voxel, surface, split, gather and total; those that were not
    reached are missing.
    """

    segments: tuple[Segment, ...]
    support: SupportChoice
    stage_ms: dict[str, float]

    @property
    def plane(self) -> Plane | None:
        """Return the plane of the main support, None without one."""
        return self.support.plane

    def moved(self, T: np.ndarray) -> 'Scene':
        """Return the scene moved by T (4, 4)."""
        return replace(self, segments=tuple(segment.moved(T) for segment in self.segments),
                       support=self.support.moved(T))


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
        support, segments = _segments(points, config, depth_noise, timer)
    return Scene(segments=segments, support=support, stage_ms=timer.stage_ms)


def _checked(points: np.ndarray, image_shape: tuple[int, int] | None) -> np.ndarray:
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise CloudError(f'points of shape {points.shape}: expected (N, 3)')
    if image_shape is not None and image_shape[0] * image_shape[1] != len(points):
        raise CloudError(f'image_shape {image_shape} does not match {len(points)} points')
    return points if points.dtype in (np.float32, np.float64) else points.astype(np.float32)


def _segments(points: np.ndarray, config: SegmenterConfig, depth_noise: DepthNoise,
              timer: StageTimer) -> tuple[SupportChoice, tuple[Segment, ...]]:
    with timer('table'):
        support = find_supports(points, config=config, depth_noise=depth_noise)
    with timer('above'):
        rows = foreground_rows(points, support, config=config, depth_noise=depth_noise)
        above = points[rows]
    if len(rows) == 0:
        return support, ()
    with timer('voxel'):
        voxels = gather_voxels(above, config.voxel_size_m)
    ground = ground_below(voxels.centroids, support, config=config, depth_noise=depth_noise)
    labels = _object_labels(voxels, ground, config, timer)
    with timer('gather'):
        segments = [Segment(points=above[group].astype(np.float32), indices=rows[group])
                    for group in _groups(labels[voxels.of_point], config.min_segment_points)]
        segments.sort(key=lambda segment: -len(segment.indices))
    return support, tuple(segments)


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
    return _objects_only(labels, centroids, ground, config)


def _objects_only(labels: np.ndarray, centroids: np.ndarray, ground: Ground,
                  config: SegmenterConfig) -> np.ndarray:
    """Return labels (V,) with -1 for parts of the wrong size or beside their support."""
    labels = labels.copy()
    for group in _groups(labels, 1):
        extent = np.ptp(centroids[group], axis=0).max() + config.voxel_size_m
        right_size = config.min_segment_size_m <= extent <= config.max_segment_size_m
        if not right_size or np.median(ground.outside_m[group]) >= -config.table_inset_m:
            labels[group] = -1
    return labels


def _groups(labels: np.ndarray, min_count: int) -> list[np.ndarray]:
    """Return the rows, ascending, of each label >= 0 that has at least `min_count` of them."""
    order = np.argsort(labels, kind='stable')
    order = order[np.searchsorted(labels[order], 0):]
    counts = np.bincount(labels[order])
    starts = np.cumsum(counts) - counts
    return [order[starts[label]:starts[label] + counts[label]]
            for label in np.flatnonzero(counts >= min_count)]
