"""The benchmark of whole frames: every frame of a dataset posed, judged and counted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.evaluation.frames.answer import Answer
from pointpng_core.evaluation.frames.contact_sheet import ContactSheet
from pointpng_core.evaluation.frames.judge import judge
from pointpng_core.evaluation.frames.library import ModelLibrary
from pointpng_core.evaluation.frames.losses import losses
from pointpng_core.evaluation.frames.methods import FrameMethod
from pointpng_core.evaluation.frames.records import FrameRecord, TargetRecord, summary
from pointpng_core.evaluation.frames.truth import TargetRule, Truth, frame_truths
from pointpng_core.evaluation.pose.bop_recall import PairErrors
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.io.bop import BopDataset, BopFrame, BopResult

Report = Callable[[str], None]
Counts = dict[tuple[int, int], dict[int, int]]


@dataclass(frozen=True, kw_only=True)
class FrameSource:
    """The frames that are processed, and what has to be found in them.

    `per_scene` limits the frames of each scene, spread evenly. Where the dataset has BOP19
    targets, only their images are processed, and `rule` is not asked.
    """

    dataset: BopDataset
    scene_ids: tuple[int, ...] | None = None
    per_scene: int | None = None
    rule: TargetRule = field(default_factory=TargetRule)

    def counts(self) -> Counts | None:
        """Return the BOP19 targets of each image, {object id: instances}; None without them."""
        targets = self.dataset.targets()
        if targets is None:
            return None
        counts: Counts = {}
        for target in targets:
            counts.setdefault((target.scene_id, target.image_id), {})[target.object_id] \
                = target.count
        return counts

    def frames(self, per_scene: int | None = None) -> Iterator[BopFrame]:
        """Yield the frames, at most `per_scene` of each scene; raises FileError."""
        counts, limit = self.counts(), per_scene or self.per_scene
        for scene_id in self.scene_ids or self.dataset.scene_ids:
            frames = [frame for frame in self.dataset.frames([scene_id])
                      if counts is None or (frame.scene_id, frame.image_id) in counts]
            chosen = np.linspace(0, len(frames) - 1, min(limit or len(frames), len(frames)))
            yield from (frames[round(index)] for index in chosen)

    def truths(self, frame: BopFrame, cloud: PointCloud, names: Mapping[int, str],
               counts: Counts | None) -> list[Truth]:
        """Return the true poses of a frame; raises FileError."""
        wanted = None if counts is None else counts.get((frame.scene_id, frame.image_id), {})
        return frame_truths(frame, cloud, names, self.rule, wanted)


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameResults:
    """The records of all frames, and all poses for a BOP results file."""

    records: list[FrameRecord]
    estimates: list[BopResult]

    def to_json(self) -> dict[str, Any]:
        """Return the figures of all frames, and those of each scene under `scenes`."""
        scenes = dict.fromkeys(record.scene_id for record in self.records)
        return {**summary(self.records), 'scenes': {str(scene_id): summary(
            [record for record in self.records if record.scene_id == scene_id])
            for scene_id in scenes}}


def run_frames(source: FrameSource, library: ModelLibrary, method: FrameMethod, *,
               sheet: ContactSheet | None = None, report: Report = lambda line: None
               ) -> FrameResults:
    """Pose and judge all frames; one is processed before, untimed. Raises FileError.

    The result does not depend on anything but the arguments, except for the times.
    """
    records: list[FrameRecord] = []
    estimates: list[BopResult] = []
    counts = source.counts()
    for frame in source.frames():
        depth_m = frame.depth_m()
        cloud = PointCloud.from_depth(depth_m, frame.camera)
        truths = source.truths(frame, cloud, library.names, counts)
        if not records:
            method.answer(cloud, truths)
        answer = method.answer(cloud, truths)
        record, verdicts = _judged(frame, depth_m, answer, truths, library)
        records.append(record)
        estimates += _estimates(frame, answer, library)
        if sheet is not None:
            sheet.add(frame, depth_m, answer, truths, verdicts, record)
        report(_line(record))
    return FrameResults(records=records, estimates=estimates)


def _judged(frame: BopFrame, depth_m: NDArray[np.float32], answer: Answer,
            truths: Sequence[Truth], library: ModelLibrary
            ) -> tuple[FrameRecord, tuple[str | None, ...]]:
    """Return the record of a frame, and the verdict on each prediction."""
    record = {'scene_id': frame.scene_id, 'image_id': frame.image_id,
              'stage_ms': answer.stage_ms}
    if not frame.annotated:
        return FrameRecord(**record, judged=False), (None,) * len(answer.predictions)
    judgement = judge(answer.predictions, truths, library.surfaces)
    lost = losses(truths, answer, judgement)
    targets = tuple(TargetRecord(visible_fraction=truth.visible_fraction, found=bool(found),
                                 loss=loss)
                    for truth, found, loss in zip(truths, judgement.found, lost) if truth.target)
    return FrameRecord(
        **record, judged=True, targets=targets,
        verdicts=tuple(verdict for verdict in judgement.verdicts if verdict),
        pairs=tuple(_pair_errors(frame, depth_m, answer, truths, library))), judgement.verdicts


def _pair_errors(frame: BopFrame, depth_m: NDArray[np.float32], answer: Answer,
                 truths: Sequence[Truth], library: ModelLibrary) -> Iterator[PairErrors]:
    """Yield the errors of each target's label: as many poses as targets, the most confident."""
    for label in dict.fromkeys(truth.label for truth in truths if truth.target):
        own = [truth for truth in truths if truth.label == label]
        targets = np.array([truth.target for truth in own])
        best = sorted((found for found in answer.predictions if found.label == label),
                      key=lambda found: -found.confidence)[:int(targets.sum())]
        yield library.judge(label).errors(
            np.reshape([found.T_camera_object for found in best], (-1, 4, 4)),
            np.array([found.confidence for found in best]),
            np.stack([truth.T_camera_object for truth in own]), targets,
            depth_m=depth_m, camera=frame.camera)


def _estimates(frame: BopFrame, answer: Answer, library: ModelLibrary) -> list[BopResult]:
    time_s = answer.stage_ms['total'] / 1e3
    return [BopResult(scene_id=frame.scene_id, image_id=frame.image_id,
                      object_id=library.object_id(found.label), score=found.confidence,
                      T_camera_object=found.T_camera_object, time_s=time_s)
            for found in answer.predictions]


def _line(record: FrameRecord) -> str:
    found = sum(target.found for target in record.targets)
    judged = f'{found} of {len(record.targets)} found, {record.verdicts.count("false")} false' \
        if record.judged else 'no truth'
    return f'scene {record.scene_id}, image {record.image_id}: {judged}, ' \
           f'{record.stage_ms["total"]:.0f} ms'
