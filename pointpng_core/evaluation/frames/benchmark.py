"""The benchmark of whole frames: every frame of a dataset posed, judged and counted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pointpng_core.evaluation.frames.contact_sheet import ContactSheet
from pointpng_core.evaluation.frames.judged_frame import JudgedFrame
from pointpng_core.evaluation.frames.library import ModelLibrary
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
    targets, only their images are processed, and `rule` is not asked. With `need_masks`, an object
    without a visible mask is an error.
    """

    dataset: BopDataset
    scene_ids: tuple[int, ...] | None = None
    per_scene: int | None = None
    rule: TargetRule = field(default_factory=TargetRule)
    need_masks: bool = False

    def check(self) -> None:
        """Raise FileError for what would otherwise be found only once references are built.

        That is a split, a scene or a list of targets that cannot be read, and scenes whose first
        annotated frame has no masks where they are needed.
        """
        for scene_id in self.dataset.chosen_scenes(self.scene_ids):
            frame = next((each for each in self._of_scene(scene_id)
                          if each.instances or not self.need_masks), None)
            if frame is not None and self.need_masks:
                frame.required_mask(0)

    @cached_property
    def counts(self) -> Counts | None:
        """Return the BOP19 targets of each image, {object id: instances}; None without them.

        The list is read once; raises FileError.
        """
        targets = self.dataset.targets()
        if targets is None:
            return None
        counts: Counts = {}
        for target in targets:
            counts.setdefault((target.scene_id, target.image_id), {})[target.object_id] \
                = target.count
        return counts

    def frames(self, per_scene: int | None = None) -> Iterator[BopFrame]:
        """Yield the frames, at most `per_scene` of those of each scene; raises FileError."""
        for scene_id in self.scene_ids or self.dataset.scene_ids:
            frames = list(self._of_scene(scene_id))
            yield from _spread(_spread(frames, self.per_scene), per_scene)

    def truths(self, frame: BopFrame, cloud: PointCloud, names: Mapping[int, str]) -> list[Truth]:
        """Return the true poses of a frame; raises FileError."""
        wanted = (None if self.counts is None
                  else self.counts.get((frame.scene_id, frame.image_id), {}))
        return frame_truths(frame, cloud, names, self.rule, wanted,
                            need_masks=self.need_masks)

    def _of_scene(self, scene_id: int) -> Iterator[BopFrame]:
        counts = self.counts
        return (frame for frame in self.dataset.frames([scene_id])
                if counts is None or (frame.scene_id, frame.image_id) in counts)


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
    for frame in source.frames():
        depth_m = frame.depth_m()
        cloud = PointCloud.from_depth(depth_m, frame.camera)
        truths = source.truths(frame, cloud, library.names)
        if not records:
            method.answer(cloud, truths)
        judged = JudgedFrame.of(frame, depth_m, method.answer(cloud, truths), truths,
                                library.surfaces)
        records.append(_record(judged, library))
        estimates += _estimates(judged, library)
        if sheet is not None:
            sheet.add(judged)
        report(f'{judged.line}, {judged.answer.stage_ms.get("total", 0.0):.0f} ms')
    return FrameResults(records=records, estimates=estimates)


def _spread(frames: Sequence[BopFrame], most: int | None) -> list[BopFrame]:
    """Return at most so many of the frames, evenly spread."""
    count = min(most or len(frames), len(frames))
    return [frames[round(index)] for index in np.linspace(0, len(frames) - 1, count)]


def _record(judged: JudgedFrame, library: ModelLibrary) -> FrameRecord:
    targets = tuple(TargetRecord(visible_fraction=truth.visible_fraction, loss=loss)
                    for truth, loss in zip(judged.truths, judged.lost) if truth.target)
    return FrameRecord(
        scene_id=judged.frame.scene_id, image_id=judged.frame.image_id, judged=judged.has_truth,
        stage_ms=judged.answer.stage_ms, targets=targets,
        verdicts=tuple(verdict for verdict in judged.verdicts if verdict),
        pairs=tuple(_pair_errors(judged, library)))


def _pair_errors(judged: JudgedFrame, library: ModelLibrary) -> Iterator[PairErrors]:
    """Yield the errors of each target's label: as many poses as targets, the most confident."""
    for label in dict.fromkeys(truth.label for truth in judged.truths if truth.target):
        own = [truth for truth in judged.truths if truth.label == label]
        targets = np.array([truth.target for truth in own])
        best = sorted((found for found in judged.answer.predictions if found.label == label),
                      key=lambda found: -found.confidence)[:int(targets.sum())]
        yield library.judge(label).errors(
            np.reshape([found.T_camera_object for found in best], (-1, 4, 4)),
            np.array([found.confidence for found in best]),
            np.stack([truth.T_camera_object for truth in own]), targets,
            depth_m=judged.depth_m, camera=judged.frame.camera)


def _estimates(judged: JudgedFrame, library: ModelLibrary) -> list[BopResult]:
    frame, answer = judged.frame, judged.answer
    return [BopResult(scene_id=frame.scene_id, image_id=frame.image_id,
                      object_id=library.object_id(found.label), score=found.confidence,
                      T_camera_object=found.T_camera_object,
                      time_s=answer.stage_ms.get('total', 0.0) / 1e3)
            for found in answer.predictions]
