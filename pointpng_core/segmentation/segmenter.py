"""Segmentation of a point cloud: table, points above it, voxels, parts, objects."""

from dataclasses import dataclass, replace

import numpy as np

from pointpng_core.errors import CloudError
from pointpng_core.geometry.depth_noise import KINECT_NOISE, DepthNoise
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.contacts import Ground
from pointpng_core.segmentation.local_shape import Voxels, describe_surface, gather_voxels
from pointpng_core.segmentation.oversegmentation import cut_parts, link_voxels
from pointpng_core.segmentation.part_merging import merge_parts
from pointpng_core.segmentation.plane_detection import Plane, tolerances_m
from pointpng_core.segmentation.support_plane import Table, find_table, usable_rows
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
    """The segments, largest first, the plane of the table (or None), and milliseconds per stage.

    The stages are table, above, voxel, surface, split, gather and total; those that were not
    reached are missing.
    """

    segments: tuple[Segment, ...]
    plane: Plane | None
    stage_ms: dict[str, float]

    def moved(self, T: np.ndarray) -> 'Scene':
        """Return the scene moved by T (4, 4)."""
        return replace(self, segments=tuple(segment.moved(T) for segment in self.segments),
                       plane=self.plane.moved(T) if self.plane else None)


def segment_scene(points: np.ndarray, *, config: SegmenterConfig,
                  image_shape: tuple[int, int] | None = None,
                  depth_noise: DepthNoise = KINECT_NOISE) -> Scene:
    """Return the table and the objects that stand on it.

    `points` (N, 3) are in metres in the camera frame (z forward, the camera at the origin);
    non-finite rows are ignored. `image_shape` is (height, width) of an organised cloud, row-major;
    it is only checked against N, since no step depends on the order of the rows. `depth_noise` is
    that of the camera. Without a table (`plane` is None) all points in range are segmented.

    The result is deterministic. Raises CloudError for arrays of another shape.
    """
    points = _checked(points, image_shape)
    timer = StageTimer()
    with timer('total'):
        table, segments = _segments(points, config, depth_noise, timer)
    return Scene(segments=segments, plane=table.plane if table else None, stage_ms=timer.stage_ms)


def _checked(points: np.ndarray, image_shape: tuple[int, int] | None) -> np.ndarray:
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise CloudError(f'points of shape {points.shape}: expected (N, 3)')
    if image_shape is not None and image_shape[0] * image_shape[1] != len(points):
        raise CloudError(f'image_shape {image_shape} does not match {len(points)} points')
    return points if points.dtype in (np.float32, np.float64) else points.astype(np.float32)


def _segments(points: np.ndarray, config: SegmenterConfig, depth_noise: DepthNoise,
              timer: StageTimer) -> tuple[Table | None, tuple[Segment, ...]]:
    with timer('table'):
        table = find_table(points, config=config, depth_noise=depth_noise)
    with timer('above'):
        rows = usable_rows(points, config) if table is None \
            else _rows_on(table, points, config, depth_noise)
        above = points[rows]
    if len(rows) == 0:
        return table, ()
    with timer('voxel'):
        voxels = gather_voxels(above, config.voxel_size_m)
    labels = _object_labels(voxels, table, config, depth_noise, timer)
    with timer('gather'):
        segments = [Segment(points=above[group].astype(np.float32), indices=rows[group])
                    for group in _groups(labels[voxels.of_point], config.min_segment_points)]
        segments.sort(key=lambda segment: -len(segment.indices))
    return table, tuple(segments)


def _rows_on(table: Table, points: np.ndarray, config: SegmenterConfig, depth_noise: DepthNoise
             ) -> np.ndarray:
    """Return rows above the table, below `max_height_m`, within its outline plus the margin."""
    with np.errstate(invalid='ignore', over='ignore'):
        heights = table.plane.heights(points)
        rows = np.flatnonzero((heights > config.min_height_m) & (heights < config.max_height_m))
        above = points[rows]
        kept = heights[rows] > tolerances_m(above, config.min_height_m, config, depth_noise)
        kept &= table.outside(above) < config.table_margin_m
    return rows[kept]


def _object_labels(voxels: Voxels, table: Table | None, config: SegmenterConfig,
                   depth_noise: DepthNoise, timer: StageTimer) -> np.ndarray:
    centroids = voxels.centroids
    with timer('surface'):
        surface = describe_surface(centroids, config=config)
    with timer('split'):
        if config.split:
            ground = _ground(centroids, table, config, depth_noise)
            parts = cut_parts(surface, config=config)
            labels = merge_parts(surface, parts, ground, config=config)
        else:
            labels = link_voxels(surface)
    return _objects_only(labels, centroids, table, config)


def _ground(centroids: np.ndarray, table: Table | None, config: SegmenterConfig,
            depth_noise: DepthNoise) -> Ground:
    if table is None:
        return Ground(up=np.zeros(3), heights_m=np.full(len(centroids), np.inf))
    # The table's own points were cut off up to this far above it: subtract the noise.
    heights = table.plane.heights(centroids) - tolerances_m(centroids, 0.0, config, depth_noise)
    return Ground(up=table.plane.normal, heights_m=heights)


def _objects_only(labels: np.ndarray, centroids: np.ndarray, table: Table | None,
                  config: SegmenterConfig) -> np.ndarray:
    """Return labels (V,) with -1 for parts of the wrong size or beside the table."""
    labels = labels.copy()
    for group in _groups(labels, 1):
        extent = np.ptp(centroids[group], axis=0).max() + config.voxel_size_m
        right_size = config.min_segment_size_m <= extent <= config.max_segment_size_m
        if not right_size or not _stands_on(table, centroids[group], config):
            labels[group] = -1
    return labels


def _stands_on(table: Table | None, points: np.ndarray, config: SegmenterConfig) -> bool:
    if table is None:
        return True
    return bool(np.median(table.outside(points)) < -config.table_inset_m)


def _groups(labels: np.ndarray, min_count: int) -> list[np.ndarray]:
    """Return the rows, ascending, of each label >= 0 that has at least `min_count` of them."""
    order = np.argsort(labels, kind='stable')
    order = order[np.searchsorted(labels[order], 0):]
    counts = np.bincount(labels[order])
    starts = np.cumsum(counts) - counts
    return [order[starts[label]:starts[label] + counts[label]]
            for label in np.flatnonzero(counts >= min_count)]
