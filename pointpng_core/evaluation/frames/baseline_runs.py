"""Baselines on some of the frames: on the true masks, and on frames without their plane.

PPF and FPFH+RANSAC know neither an object from another nor when to reject a pose. On the masks,
they and this project are therefore told the label, and every pose counts; on whole frames they are
told which targets are there and how often, as in BOP's localization task, which this project is
not. For a label that occurs n times, the n best poses count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.frames.answer import ACCEPTED, Prediction
from pointpng_core.evaluation.frames.benchmark import FrameSource
from pointpng_core.evaluation.frames.judge import FALSE, judge
from pointpng_core.evaluation.frames.library import ModelLibrary
from pointpng_core.evaluation.frames.methods import MIN_MASK_POINTS, GivenMasks
from pointpng_core.evaluation.frames.records import FrameRecord, stage_medians, summary
from pointpng_core.evaluation.frames.surface import Model
from pointpng_core.evaluation.frames.truth import Rows, Truth
from pointpng_core.geometry.clouds import PointCloud, finite_rows

OURS = 'pointpng'
STEPS = (0.05, 0.1)
Report = Callable[[str], None]


class ObjectDetector(Protocol):
    """A method that finds poses of a known object in a view."""

    name: str

    def prepare(self, model: Model, diameter_m: float) -> Any:
        """Return what can be computed once for a model."""
        ...

    def poses(self, prepared: Any, points: NDArray[np.floating], count: int
              ) -> list[tuple[NDArray[np.float64], float]]:
        """Return up to `count` poses in points (N, 3), with scores, best first."""
        ...


@dataclass(kw_only=True)
class _Row:
    """The counts of one method on masks or on whole frames."""

    found: int = 0
    false: int = 0
    objects: int = 0
    ms: list[float] = field(default_factory=list)
    reference_ms: Mapping[str, float] = field(default_factory=dict)

    def add(self, predictions: Sequence[Prediction], truths: Sequence[Truth],
            library: ModelLibrary) -> None:
        judgement = judge(predictions, truths, library.surfaces)
        targets = np.array([truth.target for truth in truths], dtype=bool)
        self.found += int(judgement.found[targets].sum())
        self.false += judgement.verdicts.count(FALSE)
        self.objects += int(targets.sum())

    def to_json(self) -> dict[str, Any]:
        references = list(self.reference_ms.values())
        return {'recall': self.found / self.objects if self.objects else None,
                'false': self.false, 'objects': self.objects,
                'ms_median': float(np.median(self.ms)) if self.ms else None,
                'reference_ms': float(np.median(references)) if references else None}


class _Baseline:
    """A detector with the models it was given so far, and its two rows."""

    def __init__(self, detector: ObjectDetector, library: ModelLibrary) -> None:
        self.detector, self._library = detector, library
        self._prepared: dict[str, Any] = {}
        self._reference_ms: dict[str, float] = {}
        self.masks, self.frames = (_Row(reference_ms=self._reference_ms) for _ in range(2))

    def run(self, cloud: PointCloud, truths: Sequence[Truth]) -> None:
        """Process one frame in both ways."""
        self._prepare(truths)
        masks = [each for each in map(self._on_mask, _masked(cloud, truths)) if each]
        self.masks.add(masks, truths, self._library)
        self.frames.add(self._on_frame(cloud, truths), truths, self._library)

    def _on_mask(self, masked: tuple[str, NDArray[np.floating]]) -> Prediction | None:
        label, points = masked
        start = perf_counter()
        found = self._predictions(label, points, 1)
        self.masks.ms.append((perf_counter() - start) * 1e3)
        return found[0] if found else None

    def _on_frame(self, cloud: PointCloud, truths: Sequence[Truth]) -> list[Prediction]:
        from pointpng_core.evaluation.frames.baseline_clouds import without_plane
        start = perf_counter()
        points = without_plane(cloud.points[finite_rows(cloud.points)])
        labels = [truth.label for truth in truths if truth.target]
        found = [each for label in dict.fromkeys(labels)
                 for each in self._predictions(label, points, labels.count(label))]
        self.frames.ms.append((perf_counter() - start) * 1e3)
        return found

    def _predictions(self, label: str, points: NDArray[np.floating], count: int
                     ) -> list[Prediction]:
        if len(points) < MIN_MASK_POINTS:
            return []
        rows: Rows = np.zeros(0, dtype=np.int64)
        return [Prediction(label=label, T_camera_object=T, confidence=score, outcome=ACCEPTED,
                           rows=rows)
                for T, score in self.detector.poses(self._prepared[label], points, count)]

    def _prepare(self, truths: Sequence[Truth]) -> None:
        for label in dict.fromkeys(truth.label for truth in truths if truth.target):
            if label not in self._prepared:
                start = perf_counter()
                self._prepared[label] = self.detector.prepare(*self._library.model(label))
                self._reference_ms[label] = (perf_counter() - start) * 1e3


def run_baselines(source: FrameSource, library: ModelLibrary, estimator: PoseEstimator, *,
                  whole_frames: Sequence[FrameRecord] | None, per_scene: int,
                  report: Report = lambda line: None) -> dict[str, Any]:
    """Run all baselines on at most `per_scene` of the frames of each scene that have truth.

    `whole_frames` are the records of this project on the frames of `source`, or None. Returns
    {"frames", "objects", "masks" and "whole_frames": {METHOD: {"recall", "false", "objects",
    "ms_median" (of a mask, of a frame), "reference_ms" (of a model)}}}. Raises FileError,
    MissingDependencyError.
    """
    baselines = [_Baseline(detector, library) for detector in detectors()]
    ours = GivenMasks(estimator=estimator, references=library.references, min_confidence=0.0,
                      known_labels=True)
    own, frames = _Row(), set()
    for frame in source.frames(per_scene):
        if not frame.instances:
            continue
        cloud = PointCloud.from_depth(frame.depth_m(), frame.camera)
        truths = source.truths(frame, cloud, library.names)
        frames.add((frame.scene_id, frame.image_id))
        answer = ours.answer(cloud, truths)
        own.add(answer.predictions, truths, library)
        own.ms.append(answer.stage_ms.get('total', 0.0) / max(1, len(answer.predictions)))
        for baseline in baselines:
            report(f'{baseline.detector.name}: scene {frame.scene_id}, image {frame.image_id}')
            baseline.run(cloud, truths)
    chosen = [record for record in whole_frames or ()
              if (record.scene_id, record.image_id) in frames]
    return {'frames': len(frames), 'objects': own.objects,
            'masks': {OURS: own.to_json(), **{each.detector.name: each.masks.to_json()
                                              for each in baselines}},
            'whole_frames': {**({OURS: _of_records(chosen)} if chosen else {}),
                             **{each.detector.name: each.frames.to_json()
                                for each in baselines}}}


def detectors() -> list[ObjectDetector]:
    """Return the baselines, seeded. Raises MissingDependencyError."""
    import open3d as o3d

    from pointpng_core.evaluation.frames.feature_matching import FeatureMatching
    from pointpng_core.evaluation.frames.point_pair_features import PointPairFeatures
    o3d.utility.random.seed(0)
    o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)
    return [FeatureMatching(), *(PointPairFeatures(step) for step in STEPS)]


def _masked(cloud: PointCloud, truths: Sequence[Truth]
            ) -> list[tuple[str, NDArray[np.floating]]]:
    return [(truth.label, cloud.points[truth.mask]) for truth in truths
            if truth.target and truth.mask is not None]


def _of_records(records: Sequence[FrameRecord]) -> dict[str, Any]:
    values = summary(records)
    return {'recall': values['recall'], 'false': values['false'], 'objects': values['objects'],
            'ms_median': stage_medians(records).get('total'), 'reference_ms': None}
