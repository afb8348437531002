"""A whole frame: cloud -> segments -> poses and labels. One function for node, CLI and tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import Config, option
from pointpng_core.estimation.confidence import MIN_CONFIDENCE
from pointpng_core.estimation.types import Hypothesis, PoseEstimate
from pointpng_core.estimation.uncertainty.ambiguity import other_poses
from pointpng_core.estimation.uncertainty.covariance import pose_covariance, rotated_covariance
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.clouds import finite_rows
from pointpng_core.reference import Reference
from pointpng_core.segmentation import Scene, Segment, SegmenterConfig, segment_scene
from pointpng_core.segmentation.unions import candidate_groups, union
from pointpng_core.timing import StageTimer
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.frame_tracker import FrameTracker, Measurement
from pointpng_core.tracking.observability_check import determine
from pointpng_core.tracking.reference_renewal import ReferenceRenewal
from pointpng_core.tracking.segment_merging import better_groups
from pointpng_core.tracking.states import ObjectState, object_states
from pointpng_core.tracking.tracks import ObjectTracks, Track

SCENE_POINTS = 80_000


@dataclass(frozen=True, kw_only=True)
class PipelineConfig(Config):
    """What is accepted of a frame."""

    min_confidence: float = option(MIN_CONFIDENCE, help='Least probability of being right, of an '
                                                        'accepted pose.', low=0.0, high=1.0)
    sure_score: float = option(0.8, help='Segments posed with less are also tried together with '
                                         'their neighbours.', low=0.0, high=1.0)
    union_gap_m: float = option(0.12, help='Neighbours nearer than this may be one object.',
                                unit='m', low=0.0, high=1.0)
    max_unions: int = option(8, help='Most unions of neighbours tried in a frame.',
                             low=0, high=256)
    max_objects: int = option(16, help='Most segments posed in a frame, the largest first.',
                              low=1, high=64)
    min_observability: float = option(0.1, help='A pose is not accepted where what is seen holds some '
                                       'direction of it by less than this share of what the whole '
                                       'surface would, and the pose explains as much moved along '
                                       'it: a mug whose handle is hidden. 0: it is accepted.',
                             low=0.0, high=1.0)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


@dataclass(frozen=True, kw_only=True, eq=False)
class Detection:
    """An object of the frame: what it is, where it is, and which points it was told from."""

    label: str
    """The reference's name."""
    index: int
    """Tells the objects of one label apart, and stays with an object from frame to frame."""
    estimate: PoseEstimate
    segment: Segment
    reference: Reference
    tracked: bool = False
    """Whether the pose comes from the object's previous one rather than from a search."""

    @property
    def child_frame(self) -> str:
        """Return the frame name of this object."""
        return f'{self.label}_{self.index}'

    @property
    def other_poses(self) -> list[Hypothesis]:
        """Return what makes the pose ambiguous; see `alternatives.other_poses`."""
        return other_poses(self.estimate, self.reference)

    def covariance(self, T_target_camera: NDArray[np.float64] | None = None
                   ) -> NDArray[np.float64]:
        """Return the pose's covariance (6, 6) along a target frame's axes (None: the camera's).

        Shift in metres, then turn in radians, as `covariance.pose_covariance` explains.
        """
        covariance = pose_covariance(self.estimate.T_observation_reference, self.segment.points,
                                     self.reference)
        return covariance if T_target_camera is None \
            else rotated_covariance(covariance, T_target_camera[:3, :3])

    @classmethod
    def of(cls, measurement: Measurement, thing: Track) -> 'Detection':
        """Return what a posed sighting of an object shows."""
        assert measurement.estimate, 'only posed sightings are accepted'
        return cls(label=measurement.estimate.name, index=thing.index, estimate=measurement.estimate,
                   segment=measurement.segment, reference=thing.reference, tracked=measurement.tracked)


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameResult:
    """Everything that was found in one frame."""

    detections: tuple[Detection, ...]
    undetermined: tuple[Detection, ...] = ()
    """Objects that are followed, whose pose might as well be another one nearby."""
    scene: Scene
    stage_ms: dict[str, float]
    searched: int = 0
    """Segments, or joined ones, that a global search was done for."""
    states: tuple[ObjectState, ...] = ()
    """Of every object that is followed, and of every reference that is still to be found."""

    def firsts(self) -> 'FrameResult':
        """Return the result without second objects of a label: where each has its own look."""
        return replace(self, detections=_firsts(self.detections),
                       undetermined=_firsts(self.undetermined))

    @property
    def tracked(self) -> int:
        """Return how many of the detections come from their previous pose."""
        return sum(detection.tracked for detection in self.detections)


class FramePipeline:
    """Finds the references in whole frames, and follows them from one to the next."""

    def __init__(self, *, estimator: PoseEstimator, references: Sequence[Reference],
                 segmenter: SegmenterConfig, config: PipelineConfig) -> None:
        self._estimator, self._segmenter, self._config = estimator, segmenter, config
        self._references = list(references)
        self.tracks = ObjectTracks()

    @property
    def references(self) -> list[Reference]:
        """What is looked for; setting it forgets the objects that were followed."""
        return self._references

    @references.setter
    def references(self, references: Sequence[Reference]) -> None:
        self._references = list(references)
        self.tracks.clear()

    def exchange(self, references: Sequence[Reference]) -> None:
        """Set `references` without forgetting the objects whose names are among them."""
        self._references = list(references)
        self.tracks.rebind(self._references)

    def process(self, points: NDArray[np.floating], image_shape: tuple[int, int] | None = None,
                stamp_s: float | None = None) -> FrameResult:
        """Return the objects found in a frame's points (N, 3), metres, camera at the origin.

        `image_shape` is (height, width) of an organised cloud. Non-finite points are ignored.
        Frames are taken for a sequence, unless `tracking.enabled` is off: `stamp_s` is the time of
        the frame in seconds, give it always or never. `tracks.clear()` begins a new sequence.
        """
        timer = StageTimer()
        tracker = FrameTracker(estimator=self._estimator, config=self._config.tracking,
                               tracks=self.tracks)
        with timer('total'):
            with timer('scene'):
                scene = segment_scene(points, config=self._segmenter, image_shape=image_shape)
            segments = _largest(scene, self._config.max_objects)
            scene_points = _thinned(points)
            with timer('track'):
                measurements = tracker.follow(segments, scene_points, stamp_s)
            measurements = self._searched(tracker, measurements, scene_points, timer)
            measurements = self._regrouped(tracker, measurements, scene_points, timer)
            accepted = [measurement for measurement in measurements if self._sure(measurement)]
            accepted.sort(key=_score, reverse=True)
            things = tracker.finish(accepted, self.references)
            with timer('determine'):
                determine(self._estimator, accepted, things, scene_points,
                          min_observability=self._config.min_observability)
        found = [(Detection.of(measurement, thing), thing.determined)
                 for measurement, thing in zip(accepted, things)]
        return FrameResult(detections=tuple(one for one, sure in found if sure),
                           undetermined=tuple(one for one, sure in found if not sure),
                           scene=scene, stage_ms=timer.stage_ms,
                           searched=sum(measurement.searched for measurement in measurements),
                           states=object_states(self.tracks, self.references))

    def look(self, points: NDArray[np.floating],
             image_shape: tuple[int, int] | None = None) -> list[Reference]:
        """Return references object_0, object_1, ... from the segments of a frame."""
        scene = segment_scene(points, config=self._segmenter, image_shape=image_shape)
        return [self._estimator.reference_from_view(segment.points, name=f'object_{index}')
                for index, segment in enumerate(_largest(scene, self._config.max_objects))]

    def renew_references(self, result: FrameResult) -> None:
        """Make what a frame shows the references of the next one; see `tracking.renew_references`."""
        self.tracks.objects = [thing for thing in self.tracks.objects if thing.index == 0]
        renew_references = ReferenceRenewal(self._temporary_reference, self.tracks, self._config.tracking)
        firsts = result.firsts()
        self._references = renew_references.renewed(
            self._references, {found.label: found.segment
                               for found in (*firsts.detections, *firsts.undetermined)},
            _largest(result.scene, self._config.max_objects))

    def _temporary_reference(self, points: NDArray[np.floating], name: str) -> Reference:
        return self._estimator.reference_from_view(points, name=name, keep=False)

    def _sure(self, measurement: Measurement) -> bool:
        """Tell whether a pose is accepted; one that is followed was surer once."""
        config = self._config
        least = config.tracking.min_confidence if measurement.tracked else config.min_confidence
        return measurement.estimate is not None and measurement.estimate.confidence >= least

    def _searched(self, tracker: FrameTracker, measurements: list[Measurement],
                  scene_points: NDArray[np.floating], timer: StageTimer) -> list[Measurement]:
        """Search globally, in one batch, where that is due."""
        due = [index for index, measurement in enumerate(measurements) if measurement.searched]
        found = self._estimate([measurements[index].segment for index in due], scene_points, timer)
        results = list(measurements)
        for index, estimates in zip(due, found):
            results[index] = tracker.settle(measurements[index], estimates)
        return results

    def _estimate(self, segments: list[Segment], scene_points: NDArray[np.floating],
                  timer: StageTimer) -> list[list[PoseEstimate]]:
        if not segments or not self.references:
            return [[] for _ in segments]
        estimates = self._estimator.estimate_batch(
            [segment.points for segment in segments], self.references, scene_points=scene_points,
            viewpoint='sensor')
        timer.add(next((found[0].stage_ms for found in estimates if found), {}))
        return estimates

    def _regrouped(self, tracker: FrameTracker, measurements: list[Measurement],
                   scene_points: NDArray[np.floating], timer: StageTimer) -> list[Measurement]:
        """Replace segments by unions of neighbours where one object explains both.

        What was merely tracked is not in doubt: it is tried when its next search comes.
        """
        doubtful = [measurement.searched and _score(measurement) < self._config.sure_score
                    for measurement in measurements]
        if not any(doubtful):
            return measurements
        segments = [measurement.segment for measurement in measurements]
        largest_m = max((reference.diameter_m for reference in self.references), default=0.0)
        groups = candidate_groups(segments, doubtful, gap_m=self._config.union_gap_m,
                                  largest_m=largest_m)[:self._config.max_unions]
        unions = [union([segments[index] for index in group]) for group in groups]
        joint = self._estimate(unions, scene_points, timer)
        estimates = [[measurement.estimate] if measurement.estimate else [] for measurement in measurements]
        chosen = better_groups(segments, estimates, groups, joint,
                               least_confidence=self._config.min_confidence)
        used = {part for index in chosen for part in groups[index]}
        kept = [measurement for index, measurement in enumerate(measurements) if index not in used]
        return kept + [tracker.merge([measurements[part] for part in groups[index]], unions[index],
                                     joint[index]) for index in chosen]


def _firsts(found: tuple[Detection, ...]) -> tuple[Detection, ...]:
    return tuple(each for each in found if each.index == 0)


def _score(measurement: Measurement) -> float:
    return measurement.estimate.score if measurement.estimate else 0.0


def _thinned(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return finite points, evenly thinned: enough for the coarse depth images they go into."""
    few = points[::max(1, len(points) // SCENE_POINTS)]
    return few[finite_rows(few)]


def _largest(scene: Scene, count: int) -> list[Segment]:
    return sorted(scene.segments, key=lambda segment: -len(segment.points))[:count]
