"""A whole frame: cloud -> segments -> poses and labels. One function for node, CLI and tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.clouds import finite_rows
from pointpng_core.config import Config, option
from pointpng_core.estimate import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.reference import Reference
from pointpng_core.regrouping import better_groups, candidate_groups, union
from pointpng_core.scene import Scene, Segment, SegmenterConfig, segment_scene
from pointpng_core.stages import StageClock

SURROUNDING_POINTS = 80_000


@dataclass(frozen=True, kw_only=True)
class PipelineConfig(Config):
    """What is accepted of a frame."""

    min_score: float = option(0.5, help='Least score of an accepted pose.', low=0.0, high=1.0)
    sure_score: float = option(0.8, help='Segments posed with less are also tried together with '
                                         'their neighbours.', low=0.0, high=1.0)
    union_gap_m: float = option(0.12, help='Neighbours nearer than this may be one object.',
                                unit='m', low=0.0, high=1.0)
    max_unions: int = option(8, help='Most unions of neighbours tried in a frame.',
                             low=0, high=256)
    max_objects: int = option(16, help='Most segments posed in a frame, the largest first.',
                              low=1, high=64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Detection:
    """An object of the frame: what it is, where it is, and which points it was told from."""

    label: str
    """The reference's name."""
    index: int
    """Counts the objects of one label in the frame, best score first."""
    estimate: PoseEstimate
    segment: Segment

    @property
    def child_frame(self) -> str:
        """Return the frame name of this object."""
        return f'{self.label}_{self.index}'


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameResult:
    """Everything that was found in one frame."""

    detections: tuple[Detection, ...]
    scene: Scene
    stage_ms: dict[str, float]


class FramePipeline:
    """Finds the references in whole frames."""

    def __init__(self, *, estimator: PoseEstimator, references: Sequence[Reference],
                 segmenter: SegmenterConfig, config: PipelineConfig) -> None:
        self.references = list(references)
        self._estimator, self._segmenter, self._config = estimator, segmenter, config

    def process(self, points: NDArray[np.floating],
                image_shape: tuple[int, int] | None = None) -> FrameResult:
        """Return the objects found in a frame's points (N, 3), metres, camera at the origin.

        `image_shape` is (height, width) of an organised cloud. Non-finite points are ignored.
        """
        clock = StageClock()
        with clock('total'):
            with clock('scene'):
                scene = segment_scene(points, config=self._segmenter, image_shape=image_shape)
            segments = _largest(scene, self._config.max_objects)
            surroundings = _thinned(points)
            estimates = self._estimate(segments, surroundings, clock)
            segments, estimates = self._regroup(segments, estimates, surroundings, clock)
        found = [(estimate[0], segment) for estimate, segment in zip(estimates, segments)
                 if estimate and estimate[0].score >= self._config.min_score]
        return FrameResult(detections=_numbered(found), scene=scene, stage_ms=clock.stage_ms)

    def look(self, points: NDArray[np.floating],
             image_shape: tuple[int, int] | None = None) -> list[Reference]:
        """Return references object_0, object_1, ... from the segments of a frame."""
        scene = segment_scene(points, config=self._segmenter, image_shape=image_shape)
        return [self._estimator.reference_from_look(segment.points, name=f'object_{index}')
                for index, segment in enumerate(_largest(scene, self._config.max_objects))]

    def _estimate(self, segments: list[Segment], surroundings: NDArray[np.floating],
                  clock: StageClock) -> list[list[PoseEstimate]]:
        if not segments or not self.references:
            return [[] for _ in segments]
        estimates = self._estimator.estimate_batch(
            [segment.points for segment in segments], self.references, surroundings=surroundings,
            viewpoint='sensor')
        clock.add(next((found[0].stage_ms for found in estimates if found), {}))
        return estimates

    def _regroup(self, segments: list[Segment], estimates: list[list[PoseEstimate]],
                 surroundings: NDArray[np.floating], clock: StageClock
                 ) -> tuple[list[Segment], list[list[PoseEstimate]]]:
        """Replace segments by unions of neighbours where one object explains both."""
        doubtful = [not found or found[0].score < self._config.sure_score for found in estimates]
        largest_m = max((reference.diameter_m for reference in self.references), default=0.0)
        groups = candidate_groups(segments, doubtful, gap_m=self._config.union_gap_m,
                                  largest_m=largest_m)[:self._config.max_unions]
        unions = [union([segments[index] for index in group]) for group in groups]
        joint = self._estimate(unions, surroundings, clock)
        chosen = better_groups(segments, estimates, groups, joint,
                               least_score=self._config.min_score)
        used = {part for index in chosen for part in groups[index]}
        kept = [index for index in range(len(segments)) if index not in used]
        return ([segments[index] for index in kept] + [unions[index] for index in chosen],
                [estimates[index] for index in kept] + [joint[index] for index in chosen])


def _thinned(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return finite points, evenly thinned: enough for the coarse depth images they go into."""
    few = points[::max(1, len(points) // SURROUNDING_POINTS)]
    return few[finite_rows(few)]


def _largest(scene: Scene, count: int) -> list[Segment]:
    return sorted(scene.segments, key=lambda segment: -len(segment.points))[:count]


def _numbered(found: list[tuple[PoseEstimate, Segment]]) -> tuple[Detection, ...]:
    counts: dict[str, int] = {}
    detections = []
    for estimate, segment in sorted(found, key=lambda pair: -pair[0].score):
        index = counts.get(estimate.name, 0)
        counts[estimate.name] = index + 1
        detections.append(Detection(label=estimate.name, index=index, estimate=estimate,
                                    segment=segment))
    return tuple(detections)
