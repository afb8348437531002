"""The pipeline of a frame: cloud -> segments -> poses and labels; node, CLI and API share it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import Config, option
from pointpng_core.estimation.pixels import PixelRanking
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.clouds.sensor_check import sensor_mismatch, unit_mismatch
from pointpng_core.reference import Reference
from pointpng_core.reference.batch import ReferenceMemo
from pointpng_core.segmentation import (
    Scene,
    Segment,
    SegmenterConfig,
    segment_image,
    segment_scene,
)
from pointpng_core.timing import StageTimer
from pointpng_core.tracking.acceptance import Acceptance, set_aside
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.degeneracy import check_observability
from pointpng_core.tracking.finer_cuts import cut_finer
from pointpng_core.tracking.frame import Frame
from pointpng_core.tracking.frame_explanation import FrameExplanation, without_duplicates
from pointpng_core.tracking.frame_result import Detection, FrameResult, object_states
from pointpng_core.tracking.frame_search import FrameSearch
from pointpng_core.tracking.frame_tracker import FrameTracker, Search
from pointpng_core.tracking.measured_noise import with_measured_noise
from pointpng_core.tracking.measurement import Measurement
from pointpng_core.tracking.reference_renewal import ReferenceRenewal
from pointpng_core.tracking.segment_merging import better_groups, candidate_groups, union
from pointpng_core.tracking.segment_splitting import split_by_tracks
from pointpng_core.tracking.track import Track
from pointpng_core.tracking.tracks import Tracks


@dataclass(frozen=True, kw_only=True)
class PipelineConfig(Config):
    """Options of the frame pipeline: which segments are posed, and which poses are accepted."""

    # Frames of known objects are surer than the calibration, half of whose cases are unknown ones:
    # at .65, 1 of 242 accepted poses is wrong in the shared clutter, 9 of 226 in clutter of other
    # objects; at .75, none of 226 and 5 of 212, and a twentieth of the objects is lost.
    min_confidence: float = option(
        0.65, low=0.0, high=1.0,
        help='Least calibrated probability of being right of an accepted pose.')
    # Of 1,046 right poses in five sets of simulated clutter, 3 score less.
    min_score: float = option(
        0.55, low=0.0, high=1.0,
        help='Least score of an accepted pose of a new object: with less, most of what it should '
             'show was not measured, for instance in clouds full of holes.')
    sure_score: float = option(
        0.8, low=0.0, high=1.0,
        help='Segments whose pose has a lower score are also tried merged with their neighbours.')
    union_gap_m: float = option(
        0.12, unit='m', low=0.0, high=1.0,
        help='Neighbours nearer than this may be one object.')
    max_unions: int = option(
        8, low=0, high=256, help='Most merged segments tried in a frame.')
    max_objects: int = option(
        32, low=1, high=64,
        help='Most segments posed in a frame, the largest first; as many parts at most at each of '
             'the two cuts of what no pose explains.')
    min_observability: float = option(
        0.1, low=0.0, high=1.0,
        help='A pose is not accepted when the visible points constrain some direction of it by '
             'less than this share of what the whole surface would, and its score does not drop '
             'when it is moved along this direction: a mug whose handle is hidden. 0: every pose '
             'is accepted.')
    measured_noise: bool = option(
        True, help='Whether the noise is taken from the flat support of a frame where that shows '
                   'more of it than estimator.depth_noise says.')
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


class FramePipeline:
    """Detects the references in whole frames, and tracks the objects from frame to frame.

        pipeline = FramePipeline(estimator=estimator, references=[mug],
                                 segmenter=SegmenterConfig(), config=PipelineConfig())
        for found in pipeline.process(PointCloud.from_depth(depth_m, camera)).detections:
            found.child_frame, found.estimate.T_observation_reference

    Frames are processed in order, by one thread at a time.
    """

    def __init__(self, *, estimator: PoseEstimator, references: Sequence[Reference],
                 segmenter: SegmenterConfig, config: PipelineConfig) -> None:
        self._estimator, self._segmenter, self._config = estimator, segmenter, config
        self._references = list(references)
        self._tracks = Tracks()
        self._rankings = ReferenceMemo(partial(PixelRanking.of, device=estimator.device))

    @property
    def references(self) -> list[Reference]:
        """Return the references that are searched for; `set_references` changes them."""
        return self._references

    @property
    def tracks(self) -> Tracks:
        """Return the tracked objects: all state between frames."""
        return self._tracks

    def continue_from(self, other: 'FramePipeline') -> None:
        """Continue the sequence of another pipeline, which must process no further frames.

        Its tracks are taken over with their references, but for those whose label is not among
        the names of the references; its settings are not.
        """
        self._tracks = other.tracks
        self._tracks.keep_labels(reference.name for reference in self._references)

    def set_references(self, references: Sequence[Reference], *, keep_tracks: bool = False
                       ) -> None:
        """Search for other references from the next frame on.

        All tracks are dropped, or with `keep_tracks` only those whose label is not among the names
        of the new references.
        """
        self._references = list(references)
        if keep_tracks:
            self._tracks.set_references(self._references)
        else:
            self.reset()

    def reset(self) -> None:
        """Drop all tracks: the next frame begins a new sequence. The references stay."""
        self._tracks.clear()

    def process(self, cloud: PointCloud | NDArray[np.floating], stamp_s: float | None = None
                ) -> FrameResult:
        """Return the objects in a frame, in the frame of its cloud.

        Bare points (N, 3) are in metres with the camera at the origin, z forward. Non-finite
        points are ignored. Frames are one sequence until `reset`, unless the option
        `tracking.enabled` is False. `stamp_s` is the time of the frame in seconds; give it with
        every frame or with none. Raises CloudError for arrays of another shape.
        """
        timer = StageTimer()
        with timer('total'):
            with timer('sensor'):
                cloud = PointCloud.of(cloud)
                doubt = sensor_mismatch(cloud) or unit_mismatch(cloud)
                frame = Frame.of(cloud, self._estimator.config.depth_noise)
            result = self._process(frame, stamp_s, timer)
        return replace(result, stage_ms=timer.stage_ms, warnings=(doubt,) if doubt else ()
                       ).in_cloud(cloud.T_cloud_sensor)

    def _process(self, frame: Frame, stamp_s: float | None, timer: StageTimer) -> FrameResult:
        """Return the objects in a frame, in the sensor's optical frame."""
        with timer('scene'):
            scene = self._segment(frame)
            if self._config.measured_noise:
                frame = replace(frame, depth_noise=with_measured_noise(frame, scene))
        estimator = self._estimator.with_depth_noise(frame.depth_noise)
        tracker = FrameTracker(estimator=estimator, config=self._config.tracking,
                               tracks=self._tracks)
        search = FrameSearch(estimator, self._references, frame, timer,
                             self._rankings.of(self._references))
        with timer('track'):
            tracker.predict(stamp_s)
            foreground = frame.foreground(scene.foreground)
            segments = split_by_tracks(self._largest(scene), tuple(self._tracks), foreground,
                                       len(frame.points))
            measurements = tracker.associate(segments)
            measurements = tracker.track(measurements, frame.scene_points)
        measurements = tracker.search(measurements, search)
        explanation = FrameExplanation(estimator, self._references, frame.scene_points,
                                       foreground, judge=search.judge)
        if (self._tracks.frames - 1) % self._config.tracking.cut_every == 0:
            measurements += cut_finer(
                measurements, explanation, frame, search, segmenter=self._segmenter,
                max_parts=self._config.max_objects, largest_m=self._largest_m)
            measurements = self._merge_segments(measurements, tracker, search)
        duplicates: list[Measurement] = []
        searched = any(measurement.searched for measurement in measurements)
        if searched:
            with timer('refit'):
                measurements = explanation.refit(measurements)
        measurements = search.judged(measurements)
        if searched:
            posed, measurements = measurements, without_duplicates(measurements,
                                                                   len(frame.points))
            duplicates = [each for each in posed if each not in measurements]
        accepted = self._acceptance.accepted(measurements)
        tracks = tracker.update(accepted, self._references)
        with timer('observability'):
            tracks = self._check_observability(accepted, tracks, frame, estimator, search)
        return self._result(scene, measurements, accepted, tracks, duplicates)

    def _result(self, scene: Scene, measurements: Sequence[Measurement],
                accepted: Sequence[Measurement], tracks: Sequence[Track],
                duplicates: Sequence[Measurement]) -> FrameResult:
        detections = [(Detection.of(measurement, track), track.well_constrained)
                      for measurement, track in zip(accepted, tracks)]
        return FrameResult(
            detections=tuple(found for found, well in detections if well),
            poorly_constrained=tuple(found for found, well in detections if not well),
            rejected=self._acceptance.rejected(measurements),
            set_aside=set_aside(duplicates, scene.segments, self._largest(scene)),
            scene=scene, stage_ms={},
            searched=sum(measurement.searched for measurement in measurements),
            states=object_states(self._tracks, self._references))

    def _segment(self, frame: Frame) -> Scene:
        """Return the segments cut in voxels, or with the method 'image' parts of the image."""
        if frame.image_shape and self._segmenter.method == 'image':
            return segment_image(frame.points, frame.image_shape, config=self._segmenter,
                                 depth_noise=frame.depth_noise)
        return segment_scene(frame.points, config=self._segmenter, depth_noise=frame.depth_noise)

    @property
    def _largest_m(self) -> float:
        """Return the diameter of the largest reference."""
        return max((reference.diameter_m for reference in self._references), default=0.0)

    def _largest(self, scene: Scene) -> list[Segment]:
        return sorted(scene.segments, key=lambda segment: -len(segment.points)
                      )[:self._config.max_objects]

    def _merge_segments(self, measurements: list[Measurement], tracker: FrameTracker,
                        search: Search) -> list[Measurement]:
        """Replace neighbouring segments by their union where one reference explains both better.

        Segments that were tracked without a search are left alone until their next search.
        """
        config = self._config
        doubtful = [measurement.searched and measurement.score < config.sure_score
                    for measurement in measurements]
        if not any(doubtful):
            return measurements
        segments = [measurement.segment for measurement in measurements]
        groups = list(islice(candidate_groups(segments, doubtful, gap_m=config.union_gap_m,
                                              largest_m=self._largest_m), config.max_unions))
        unions = [union([segments[index] for index in group]) for group in groups]
        merged = search(unions)
        own = [[measurement.estimate] if measurement.estimate else []
               for measurement in measurements]
        chosen = better_groups(segments, own, groups, merged, min_confidence=config.min_confidence)
        used = {part for index in chosen for part in groups[index]}
        kept = [measurement for row, measurement in enumerate(measurements) if row not in used]
        return kept + [tracker.merge([measurements[part] for part in groups[index]], unions[index],
                                     merged[index]) for index in chosen]

    @property
    def _acceptance(self) -> Acceptance:
        return Acceptance(min_confidence=self._config.min_confidence,
                          min_score=self._config.min_score,
                          tracked_min_confidence=self._config.tracking.min_confidence)

    def _check_observability(self, accepted: Sequence[Measurement], tracks: Sequence[Track],
                             frame: Frame, estimator: PoseEstimator, search: FrameSearch
                             ) -> list[Track]:
        checked = check_observability(estimator, accepted, tracks, frame.scene_points,
                                      min_observability=self._config.min_observability,
                                      support=search.support)
        return [self._tracks.replace(track) for track in checked]

    def references_from_view(self, cloud: PointCloud | NDArray[np.floating]) -> list[Reference]:
        """Return references object_0, object_1, ... made from the segments of a frame.

        The cloud is as for `process`; the references have the axes of the sensor's optical frame.
        Raises CloudError.
        """
        frame = Frame.of(PointCloud.of(cloud), self._estimator.config.depth_noise)
        # A part of an object is no reference: what shape alone tells is needed.
        scene = self._segment(replace(frame, image_shape=None))
        return [self._estimator.reference_from_view(segment.points, name=f'object_{index}')
                for index, segment in enumerate(self._largest(scene))]

    def renew_references(self, result: FrameResult) -> None:
        """Replace the references by temporary ones, made from the segments of a processed frame.

        The poses of the next frame are then relative to this frame; see
        `pointpng_core.tracking.reference_renewal`.
        """
        self._tracks.keep_only(index=0)
        renewal = ReferenceRenewal(self._temporary_reference, self._tracks, self._config.tracking)
        first = result.first_of_each_label().in_sensor_frame()
        posed = {found.label: found.segment
                 for found in (*first.detections, *first.poorly_constrained)}
        self._references = renewal.renewed(self._references, posed, self._largest(first.scene))

    def _temporary_reference(self, points: NDArray[np.floating], name: str) -> Reference:
        return self._estimator.reference_from_view(points, name=name, keep=False)
