"""Our ways to pose the objects of a frame: the whole of it, or given masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.frames.answer import (
    ACCEPTED,
    LOW_CONFIDENCE,
    POORLY_CONSTRAINED,
    Answer,
    Prediction,
)
from pointpng_core.evaluation.frames.truth import Rows, Truth
from pointpng_core.geometry.clouds import PointCloud, finite_rows
from pointpng_core.pipeline import FramePipeline
from pointpng_core.reference import Reference
from pointpng_core.timing import StageTimer
from pointpng_core.tracking.frame import SCENE_POINTS
from pointpng_core.tracking.frame_result import FrameResult

MIN_MASK_POINTS = 30
"""Fewer points of a mask with a reading are not posed. Set by hand, half of the 60 of
`SegmenterConfig.min_segment_points`; not chosen on data."""


class FrameMethod(Protocol):
    """A way to pose the objects of a frame."""

    def answer(self, cloud: PointCloud, truths: Sequence[Truth]) -> Answer:
        """Return the poses in the frame's organised cloud; some methods are told masks."""
        ...


class WholeFrames:
    """The frame pipeline, which is told nothing but the library; every frame stands alone."""

    def __init__(self, pipeline: FramePipeline) -> None:
        self._pipeline = pipeline

    def answer(self, cloud: PointCloud, truths: Sequence[Truth]) -> Answer:
        """Return what the pipeline finds, and what it rejects."""
        self._pipeline.reset()
        return answer_of(self._pipeline.process(cloud))


def answer_of(result: FrameResult) -> Answer:
    """Return a result of the pipeline in the terms of the judge."""
    detected = [(found.estimate, found.segment, outcome) for found, outcome in (
        *((found, ACCEPTED) for found in result.detections),
        *((found, POORLY_CONSTRAINED) for found in result.poorly_constrained))]
    rejected = [(each.estimate, each.segment, LOW_CONFIDENCE) for each in result.rejected
                if each.estimate]
    predictions = tuple(_prediction(estimate, segment.indices, outcome)
                        for estimate, segment, outcome in (*detected, *rejected))
    posed = {found.rows.tobytes() for found in predictions}
    return Answer(predictions=predictions, stage_ms=result.stage_ms, other_segments=tuple(
        segment.indices for segment in result.scene.segments
        if segment.indices.tobytes() not in posed))


@dataclass(frozen=True, kw_only=True)
class GivenMasks:
    """The estimator alone, on the visible masks of the objects; with `known_labels` also theirs.

    The whole frame serves as `scene_points`, as in the pipeline.
    """

    estimator: PoseEstimator
    references: Mapping[str, Reference]
    min_confidence: float
    known_labels: bool = False

    def answer(self, cloud: PointCloud, truths: Sequence[Truth]) -> Answer:
        """Return the best pose of each mask."""
        masks = [(truth.label, truth.mask) for truth in truths if truth.target
                 and truth.mask is not None and len(truth.mask) >= MIN_MASK_POINTS]
        if not masks:
            return Answer(predictions=(), stage_ms={})
        timer = StageTimer()
        with timer('total'):
            found = self._poses(cloud, masks, timer)
        return Answer(stage_ms=timer.stage_ms, predictions=tuple(
            _prediction(each[0], rows, ACCEPTED if each[0].confidence >= self.min_confidence
                        else LOW_CONFIDENCE)
            for each, (_, rows) in zip(found, masks) if each))

    def _poses(self, cloud: PointCloud, masks: Sequence[tuple[str, Rows]], timer: StageTimer
               ) -> list[list[PoseEstimate]]:
        """Return the estimates, best first, of each mask: its label and the rows of its points."""
        few = cloud.points[::max(1, len(cloud.points) // SCENE_POINTS)]
        scene = few[finite_rows(few)]
        found: list[list[PoseEstimate]] = [[] for _ in masks]
        for references, members in self._batches([label for label, _ in masks]):
            estimates = self.estimator.estimate_batch(
                [cloud.points[masks[row][1]] for row in members], references,
                scene_points=scene, viewpoint=Viewpoint.SENSOR, segments=True)
            timer.add(next((own[0].stage_ms for own in estimates if own), {}))
            for row, own in zip(members, estimates):
                found[row] = own
        return found

    def _batches(self, labels: Sequence[str]) -> list[tuple[list[Reference], list[int]]]:
        """Return the references to search for and the masks to search in, batch by batch."""
        if not self.known_labels:
            return [(list(self.references.values()), list(range(len(labels))))]
        return [([self.references[label]],
                 [row for row, own in enumerate(labels) if own == label])
                for label in dict.fromkeys(labels)]


def _prediction(estimate: PoseEstimate, rows: Rows, outcome: str) -> Prediction:
    return Prediction(label=estimate.name, T_camera_object=estimate.T_observation_reference,
                      confidence=float(estimate.confidence), outcome=outcome, rows=rows)
