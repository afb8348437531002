"""Scene segmentation against human labels: recall, false segments, time; RANSAC and DBSCAN too."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pointpng_core.evaluation.segmentation.labelled_bag import LabelledCloud, read_labelled_bag
from pointpng_core.evaluation.segmentation.ransac_dbscan import segment_ransac_dbscan
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.segmentation import SegmenterConfig, segment_scene

IOU = 0.5


@dataclass(kw_only=True)
class _Tally:
    """Results of one method on all clouds: best IoU of each labelled object, false segments."""

    ious: list[float] = field(default_factory=list)
    segments: int = 0
    false_segments: int = 0
    frame_ms: list[float] = field(default_factory=list)

    def add(self, label: np.ndarray, segments: list[np.ndarray], passed_ms: float) -> None:
        overlaps = intersection_over_union(label, segments)
        self.ious += overlaps.max(axis=1, initial=0.0).tolist()
        self.segments += len(segments)
        self.false_segments += int((overlaps.max(axis=0, initial=0.0) < IOU).sum())
        self.frame_ms.append(passed_ms)

    def summary(self) -> dict[str, Any]:
        ious = np.array(self.ious)
        return {
            'recall': float((ious >= IOU).mean()) if len(ious) else 0.0,
            'mean_iou': float(ious.mean()) if len(ious) else 0.0,
            'segments': self.segments,
            'false_segments': self.false_segments,
            'false_share': self.false_segments / max(1, self.segments),
            'ms_median': float(np.median(self.frame_ms)),
            'ms_p95': float(np.percentile(self.frame_ms, 95)),
        }


def evaluate_scene(bag: Path, labels: Path, *, config: SegmenterConfig) -> dict[str, Any]:
    """Compare the segmentation of a bag's clouds with human labels, beside RANSAC + DBSCAN.

    A labelled object is found when a segment overlaps it with IoU >= 0.5, over all pixels of its
    label; a segment without such an overlap is false. The methods alternate on every cloud, in
    this process, after one cloud to warm up; milliseconds are wall time per cloud.

    Returns `{"frames", "objects", "iou", "methods": {"pointpng" | "ransac_dbscan": {"recall",
    "mean_iou", "segments", "false_segments", "false_share", "ms_median", "ms_p95"}}, "stage_ms",
    "time_ratio"}`: stage_ms are medians of the stages of pointpng, time_ratio is its median time
    over that of the baseline. Raises FileError, CloudError or MissingDependencyError.
    """
    ours, baseline = _Tally(), _Tally()
    stages: list[dict[str, float]] = []
    for frame, cloud in enumerate(read_labelled_bag(bag, labels)):
        if frame == 0:
            _segment_both(cloud, config)
        scene, (clusters, baseline_ms) = _segment_both(cloud, config)
        stages.append(scene.stage_ms)
        ours.add(cloud.label, [segment.indices for segment in scene.segments],
                 scene.stage_ms['total'])
        baseline.add(cloud.label, clusters, baseline_ms)
    methods = {'pointpng': ours.summary(), 'ransac_dbscan': baseline.summary()}
    return {
        'frames': len(stages), 'objects': len(ours.ious), 'iou': IOU, 'methods': methods,
        'stage_ms': _medians(stages),
        'time_ratio': methods['pointpng']['ms_median'] / methods['ransac_dbscan']['ms_median'],
    }


def intersection_over_union(label: np.ndarray, segments: Iterable[np.ndarray]) -> np.ndarray:
    """Return the IoU (O, S) of each label > 0 of (N,) and each segment, given as rows."""
    objects = [value for value in np.unique(label) if value != 0]
    sizes = np.array([(label == value).sum() for value in objects], dtype=float)
    columns = []
    for rows in segments:
        shared = np.array([(label[rows] == value).sum() for value in objects], dtype=float)
        columns.append(shared / (sizes + len(rows) - shared))
    return np.stack(columns, axis=1) if columns else np.zeros((len(objects), 0))


def _segment_both(cloud: LabelledCloud, config: SegmenterConfig) -> tuple[Any, Any]:
    scene = segment_scene(cloud.points, config=config, image_shape=cloud.image_shape,
                          depth_noise=KINECT_NOISE)
    return scene, segment_ransac_dbscan(cloud.points, min_points=config.min_segment_points)


def _medians(stages: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for stage_ms in stages for name in stage_ms)
    return {name: float(np.median([stage_ms.get(name, 0.0) for stage_ms in stages]))
            for name in names}
