"""A frame explained by poses: each takes the points that lie on it, whatever their segments.

Segments are cut by shape alone: they miss parts of an object and contain points of others. The
pose of a segment, once found, tells better which points are the object's.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.explained_points import Foreground
from pointpng_core.tracking.measurement import Measurement
from pointpng_core.tracking.pose_selection import with_alternatives
from pointpng_core.tracking.segment_merging import shared_share

ON_POSE_M, ON_POSE_SIGMAS = 0.002, 3.0
"""Distance from a posed surface, plus standard deviations of the depth noise, within which points
are the object's."""
NEAR_POSE_M = 0.005
"""The same where only what certainly does not belong to the object is of interest."""
LEAST_SCORE = 0.3
"""Poses that explain less of their segment are left alone."""
LEAST_POINTS = 60
SAME_SHARE = 0.97
"""Segments that share this much with the points on their pose need no second registration."""
SURE = 0.5
SHARED = 0.5
"""A measurement of which others explain more than this share of its points is a duplicate."""
Judge = Callable[[list[PoseEstimate]], list[PoseEstimate]]
"""Returns estimates with the confidence that the pixels of a frame give to their poses."""


class FrameExplanation:
    """The points of one frame that lie on poses, refits the poses to them, and knows the rest."""

    def __init__(self, estimator: PoseEstimator, references: Sequence[Reference],
                 scene_points: NDArray[np.floating], foreground: Foreground, *,
                 judge: Judge | None) -> None:
        self._estimator, self._scene_points, self._foreground = estimator, scene_points, foreground
        self._judge = judge
        self._references = {reference.name: reference for reference in references}

    def refit(self, measurements: Sequence[Measurement]) -> list[Measurement]:
        """Return the measurements, those that were searched on the points on their poses.

        A refitted pose replaces the found one where it is surer by the pixels of the frame, or
        without these, where it explains more points.
        """
        due = [index for index, measurement in enumerate(measurements)
               if measurement.searched and measurement.score >= LEAST_SCORE]
        segments = [self._on_pose(measurements[index]) for index in due]
        pairs = [(index, segment) for index, segment in zip(due, segments)
                 if len(segment.points) >= LEAST_POINTS
                 and shared_share(segment, measurements[index].segment) < SAME_SHARE]
        if not pairs:
            return list(measurements)
        posed = [measurements[index].posed for index, _ in pairs]
        found = self._estimator.track_batch(
            [segment.points for _, segment in pairs],
            [self._references[estimate.name] for estimate in posed],
            [estimate.T_observation_reference for estimate in posed],
            scene_points=self._scene_points, viewpoint=Viewpoint.SENSOR, segments=True)
        after = {index: replace(measurements[index], segment=segment,
                                estimate=with_alternatives(estimate, before))
                 for (index, segment), estimate, before in zip(pairs, found, posed) if estimate}
        refitted = dict(zip(after, self._judged(list(after.values()))))
        return [self._better(measurement, refitted[index]) if index in refitted else measurement
                for index, measurement in enumerate(measurements)]

    def _better(self, before: Measurement, after: Measurement) -> Measurement:
        """Return the surer one where pixels judge, else the one that explains more points."""
        if self._judge is None:
            return after if after.explained_points > before.explained_points else before
        return after if after.posed.confidence > before.posed.confidence else before

    def _judged(self, measurements: Sequence[Measurement]) -> Sequence[Measurement]:
        if self._judge is None or not measurements:
            return measurements
        judged = self._judge([measurement.posed for measurement in measurements])
        return [replace(measurement, estimate=estimate)
                for measurement, estimate in zip(measurements, judged)]

    def rest(self, measurements: Sequence[Measurement]) -> NDArray[np.int64]:
        """Return the rows of the foreground that lie on no pose of the measurements, ascending."""
        rows = self._foreground.indices
        left = np.ones(len(rows), dtype=bool)
        for measurement in measurements:
            if measurement.estimate:
                near = self._on_pose(measurement, base_m=NEAR_POSE_M).indices
                left[np.searchsorted(rows, near)] = False
        return rows[left]

    def _on_pose(self, measurement: Measurement, *, base_m: float = ON_POSE_M) -> Segment:
        estimate = measurement.posed
        return self._foreground.on_pose(
            estimate.T_observation_reference, self._references[estimate.name],
            base_m=base_m, sigmas=ON_POSE_SIGMAS)


def without_duplicates(measurements: Sequence[Measurement], size: int) -> list[Measurement]:
    """Return the measurements whose points no better ones explain, in their order.

    `size` is the number of rows of the cloud. Tracked poses come first, then sure ones, and the
    most confident explanations of the most points.
    """
    claimed = np.zeros(size, dtype=bool)
    order = sorted(range(len(measurements)), key=lambda index: (
        not measurements[index].tracked, _confidence(measurements[index]) < SURE,
        -measurements[index].explained_points * _confidence(measurements[index])))
    kept = []
    for index in order:
        rows = measurements[index].segment.indices
        if claimed[rows].mean() <= SHARED:
            claimed[rows] = True
            kept.append(index)
    return [measurements[index] for index in sorted(kept)]


def _confidence(measurement: Measurement) -> float:
    return measurement.estimate.confidence if measurement.estimate else 0.0
