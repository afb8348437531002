"""Search and judgement in one frame: by points, and by its pixels where there is a depth image."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.pixels import PixelRanking
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.timing import StageTimer
from pointpng_core.tracking.degeneracy import Support
from pointpng_core.tracking.frame import Frame
from pointpng_core.tracking.frame_explanation import Judge
from pointpng_core.tracking.measurement import Measurement
from pointpng_core.tracking.point_judgement import most_probable_first


class FrameSearch:
    """Searches references in the segments of a frame, and judges the poses that are found."""

    def __init__(self, estimator: PoseEstimator, references: Sequence[Reference], frame: Frame,
                 timer: StageTimer, ranking: PixelRanking) -> None:
        self._estimator, self._references = estimator, references
        self._frame, self._timer, self._ranking = frame, timer, ranking

    def __call__(self, segments: Sequence[Segment]) -> list[list[PoseEstimate]]:
        """Search all references in all segments, globally and in one batch.

        Returns for each segment its estimates, best first; by pixels, the most probable first.
        """
        if not segments or not self._references:
            return [[] for _ in segments]
        estimates = self._estimator.estimate_batch(
            [segment.points for segment in segments], self._references,
            scene_points=self._frame.scene_points, viewpoint=Viewpoint.SENSOR, segments=True)
        self._timer.add(next((found[0].stage_ms for found in estimates if found), {}))
        view = self._frame.depth_view
        if view is None:
            return estimates
        with self._timer('pixels'):
            ranked = self._ranking.ranked(estimates, view)
        with self._timer('judge'):
            return most_probable_first(
                ranked, segments, {reference.name: reference for reference in self._references},
                self._estimator, self._frame.scene_points)

    @property
    def support(self) -> Support | None:
        """Return how well the pixels of the frame support poses; None where it has none."""
        view = self._frame.depth_view
        return None if view is None else partial(self._ranking.support, view=view)

    @property
    def judge(self) -> Judge | None:
        """Return what judges estimates by the pixels of the frame; None where it has none."""
        view = self._frame.depth_view
        return None if view is None else partial(self._ranking.judged, view=view)

    def judged(self, measurements: Sequence[Measurement]) -> list[Measurement]:
        """Return the measurements with the confidence that the pixels give to their poses."""
        posed = [row for row, measurement in enumerate(measurements) if measurement.estimate]
        if self.judge is None or not posed:
            return list(measurements)
        with self._timer('pixels'):
            judged = self.judge([measurements[row].posed for row in posed])
        results = list(measurements)
        for row, estimate in zip(posed, judged):
            results[row] = replace(results[row], estimate=estimate)
        return results
