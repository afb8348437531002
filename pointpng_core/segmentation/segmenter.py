"""From a point cloud to the table and the objects on it."""

from dataclasses import dataclass

import numpy as np

from pointpng_core.errors import CloudError
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.contacts import Ground
from pointpng_core.segmentation.local_shape import Voxels, describe_surface, gather_voxels
from pointpng_core.segmentation.merging import join_parts
from pointpng_core.segmentation.oversegmentation import cut_parts, link_voxels
from pointpng_core.segmentation.plane_detection import Plane, tolerances
from pointpng_core.segmentation.support_plane import Table, find_table, usable_rows
from pointpng_core.timing import StageTimer


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One object as it is seen.

    points: (N, 3) float32 in the frame of the cloud; indices: (N,) int64 ascending, the rows of
    the cloud they come from.
    """

    points: np.ndarray
    indices: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The segments, most points first, the plane they stand on, and milliseconds per stage.

    stage_ms: table, above, voxel, surface, split, gather, total; stages not reached are missing.
    """

    segments: tuple[Segment, ...]
    plane: Plane | None
    stage_ms: dict[str, float]


def segment_scene(points: np.ndarray, *, config: SegmenterConfig,
                  image_shape: tuple[int, int] | None = None) -> Scene:
    """Find the table and what stands on it.

    points: (N, 3) float, camera frame (z forward, the camera at the origin), metres; rows that
    are not finite are ignored. image_shape: (height, width) of an organised cloud, row-major;
    only checked against N, since all steps work in space and give the same for any order of rows.
    Without a table (`plane` is None) everything in range is segmented.

    The same cloud gives the same scene. Raises CloudError for arrays of another shape.
    """
    points = _checked(points, image_shape)
    watch = StageTimer()
    with watch('total'):
        table, segments = _segments(points, config, watch)
    return Scene(segments=segments, plane=table.plane if table else None, stage_ms=watch.stage_ms)


def _checked(points: np.ndarray, image_shape: tuple[int, int] | None) -> np.ndarray:
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise CloudError(f'points of shape {points.shape}: expected (N, 3)')
    if image_shape is not None and image_shape[0] * image_shape[1] != len(points):
        raise CloudError(f'image_shape {image_shape} does not match {len(points)} points')
    return points if points.dtype in (np.float32, np.float64) else points.astype(np.float32)


def _segments(points: np.ndarray, config: SegmenterConfig,
              watch: StageTimer) -> tuple[Table | None, tuple[Segment, ...]]:
    with watch('table'):
        table = find_table(points, config=config)
    with watch('above'):
        rows = usable_rows(points, config) if table is None else _rows_on(table, points, config)
        above = points[rows]
    if len(rows) == 0:
        return table, ()
    with watch('voxel'):
        voxels = gather_voxels(above, config.voxel_size_m)
    labels = _object_labels(voxels, table, config, watch)
    with watch('gather'):
        segments = [Segment(points=above[group].astype(np.float32), indices=rows[group])
                    for group in _groups(labels[voxels.of_point], config.min_segment_points)]
        segments.sort(key=lambda segment: -len(segment.indices))
    return table, tuple(segments)


def _rows_on(table: Table, points: np.ndarray, config: SegmenterConfig) -> np.ndarray:
    """Rows above the table, below `max_height_m`, and within its outline plus the margin."""
    with np.errstate(invalid='ignore', over='ignore'):
        heights = table.plane.heights(points)
        rows = np.flatnonzero((heights > config.min_height_m) & (heights < config.max_height_m))
        above = points[rows]
        kept = heights[rows] > tolerances(above, config.min_height_m, config)
        kept &= table.outside(above) < config.table_margin_m
    return rows[kept]


def _object_labels(voxels: Voxels, table: Table | None, config: SegmenterConfig,
                   watch: StageTimer) -> np.ndarray:
    centroids = voxels.centroids
    with watch('surface'):
        surface = describe_surface(centroids, config=config)
    with watch('split'):
        if config.split:
            ground = _ground(centroids, table, config)
            labels = join_parts(surface, cut_parts(surface, config=config), ground, config=config)
        else:
            labels = link_voxels(surface)
    return _objects_only(labels, centroids, table, config)


def _ground(centroids: np.ndarray, table: Table | None, config: SegmenterConfig) -> Ground:
    if table is None:
        return Ground(up=np.zeros(3), heights_m=np.full(len(centroids), np.inf))
    # the table's own points were cut off up to this far above it, so the noise is no height
    heights = table.plane.heights(centroids) - tolerances(centroids, 0.0, config)
    return Ground(up=table.plane.normal, heights_m=heights)


def _objects_only(labels: np.ndarray, centroids: np.ndarray, table: Table | None,
                  config: SegmenterConfig) -> np.ndarray:
    """Labels (V,) with -1 for parts of the wrong size or beside the table."""
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
    """Rows of each label >= 0 that has at least `min_count` of them, ascending."""
    order = np.argsort(labels, kind='stable')
    order = order[np.searchsorted(labels[order], 0):]
    counts = np.bincount(labels[order])
    starts = np.cumsum(counts) - counts
    return [order[starts[label]:starts[label] + counts[label]]
            for label in np.flatnonzero(counts >= min_count)]
