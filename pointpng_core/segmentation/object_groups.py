"""Labels of points to segments, and the groups that may be objects: of the right size, on their
support.
"""

import numpy as np

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.contacts import Ground
from pointpng_core.segmentation.scene import Segment


def objects_only(labels: np.ndarray, points: np.ndarray, ground: Ground, *,
                 config: SegmenterConfig) -> np.ndarray:
    """Return labels (V,) of points (V, 3) with -1 for groups of the wrong size, or beside their
    support.
    """
    labels = labels.copy()
    for group in groups_of(labels, 1):
        extent_m = np.ptp(points[group], axis=0).max() + config.voxel_size_m
        right_size = config.min_segment_size_m <= extent_m <= config.max_segment_size_m
        if not right_size or np.median(ground.outside_m[group]) >= -config.table_inset_m:
            labels[group] = -1
    return labels


def groups_of(labels: np.ndarray, min_count: int) -> list[np.ndarray]:
    """Return the rows, ascending, of each label >= 0 that has at least `min_count` of them."""
    order = np.argsort(labels, kind='stable')
    order = order[np.searchsorted(labels[order], 0):]
    counts = np.bincount(labels[order])
    starts = np.cumsum(counts) - counts
    return [order[starts[label]:starts[label] + counts[label]]
            for label in np.flatnonzero(counts >= min_count)]


def segments_of(labels: np.ndarray, points: np.ndarray, rows: np.ndarray, min_count: int
                ) -> tuple[Segment, ...]:
    """Return the segments of labels (M,) of some rows (M,) of points (N, 3), largest first.

    Labels below 0, and those of fewer points than `min_count`, give none.
    """
    groups = sorted(groups_of(labels, min_count), key=lambda group: -len(group))
    return tuple(Segment(points=points[rows[group]].astype(np.float32), indices=rows[group])
                 for group in groups)
