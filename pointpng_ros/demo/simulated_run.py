"""A run over a simulated table, where every published pose is scored against the truth."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from pointpng_core.cli.output import say_on
from pointpng_core.io import TriangleMesh
from pointpng_core.io.object_library import ObjectModel
from pointpng_core.simulation.sample_files import write_catalogue
from pointpng_ros.demo.frame_log import FrameRecord
from pointpng_ros.demo.picture import PictureObject
from pointpng_ros.demo.processes import Children
from pointpng_ros.demo.recorder import HIDDEN_TOPIC
from pointpng_ros.demo.runs import (
    CLOUD_TOPIC,
    NODE_MODULE,
    NODE_PARAMETERS,
    TRUTH_TOPIC,
    meshes_of,
    pace,
    ros_arguments,
    segments_of,
    span_s,
)
from pointpng_ros.demo.scoring import (
    FrameScore,
    Limits,
    ObjectPose,
    ObjectScore,
    ScoredModel,
    score_frame,
)
from pointpng_ros.demo.settings import DemoConfig
from pointpng_ros.demo.summary import Summary, summarise
from pointpng_ros.demo.table import (
    EXTRA,
    LiveView,
    error_words,
    number,
    percent,
    score_line,
    score_table,
    summary_table,
)


class SimulatedRun:
    """Camera and node over a simulated table; every pose is scored against the truth."""

    def __init__(self, config: DemoConfig) -> None:
        self._config = config
        self._limits = Limits(rotation_deg=config.rotation_limit_deg,
                              translation_mm=config.translation_limit_mm)
        self._models: list[ObjectModel] = []
        self._scored: dict[str, ScoredModel] = {}
        self._scores: list[FrameScore] = []

    def start(self, children: Children, folder: Path) -> None:
        """Write the object library, start camera and node."""
        config = self._config
        self._models = write_catalogue(folder / 'objects', config.library_names)
        self._scored = {model.name: ScoredModel.of(model) for model in self._models}
        node = {**NODE_PARAMETERS, 'objects': str(folder / 'objects')}
        children.start('pose_estimator', NODE_MODULE, ros_arguments(node))
        children.start('sim_camera', 'pointpng_ros.nodes.sim_camera', ros_arguments({
            'cloud_topic': CLOUD_TOPIC, 'truth_topic': TRUTH_TOPIC, 'hidden_topic': HIDDEN_TOPIC,
            'reliability': 'reliable', 'rate_hz': config.rate_hz, 'scene': config.scene,
            'objects': config.objects, 'noise': config.noise, 'world.seed': config.seed,
            'min_visible_share': config.min_visible_share}))

    def show(self, view: LiveView, record: FrameRecord) -> None:
        """Score the frame; show its objects, the share posed and the poses right so far."""
        score = self._score(record)
        self._scores.append(score)
        objects = [row for frame in self._scores for row in frame.objects]
        share = sum(row.posed for row in objects) / len(objects) if objects else None
        title = (f'frame {len(self._scores)}, {number(record.end_to_end_ms, " ms", 0)} end to '
                 f'end, {percent(share)} of {len(objects)} objects in view posed, '
                 f'{_right_of_published(self._scores)} right')
        view.show(title, score_table(score, record.end_to_end_ms), score_line(score))

    def conclude(self, frames: Sequence[FrameRecord]) -> Summary:
        """Score all frames again: a pose may have come after its frame was shown."""
        return summarise([self._score(frame) for frame in frames],
                         [frame.end_to_end_ms for frame in frames],
                         seconds=span_s(frames), pass_share=self._config.least_posed_share,
                         right_share=self._config.least_right_share)

    def print_summary(self, console: Console, summary: Summary) -> None:
        """Print the table of all objects and the verdict."""
        console.print(summary_table(summary))
        config = self._config
        verdict = 'passed' if summary['passed'] else 'FAILED'
        say_on(console, (
            f'{verdict}: {percent(summary["posed_share"])} of {summary["objects_in_view"]} '
            f'objects in view within {config.rotation_limit_deg:g}° and '
            f'{config.translation_limit_mm:g} mm (asked: {percent(config.least_posed_share)}); '
            f'labels right: {percent(summary["label_accuracy"])}; {pace(summary)}'))
        say_on(console, (
            f'published: {summary["published"]} poses, {summary["right"]} right, '
            f'{summary["wrong"]} wrong ({percent(summary["right_share"])} right, asked: '
            f'{percent(config.least_right_share)}); among them those of objects not in view, '
            f'which are cut by the border or less than {percent(config.min_visible_share)} '
            'visible, and need not be found'))

    def picture(self, record: FrameRecord) -> tuple[str, list[PictureObject]]:
        """Return the title and every detection with its error."""
        score = self._score(record)
        rows = {row.found_frame: row for row in score.found}
        objects = [_drawn(pose, segment, rows.get(pose.frame))
                   for pose, segment in zip(record.detections, segments_of(record))]
        posed = sum(row.posed for row in score.objects)
        title = (f'pointpng: {posed} of {len(score.objects)} objects in view posed, '
                 f'{_right_of_published([score])} within {self._limits.rotation_deg:g}° and '
                 f'{self._limits.translation_mm:g} mm, '
                 f'{number(record.end_to_end_ms, " ms", 0)} after the cloud')
        return title, objects

    def meshes(self) -> dict[str, TriangleMesh]:
        """Return the surfaces of the library."""
        return meshes_of(self._models)

    def _score(self, record: FrameRecord) -> FrameScore:
        return score_frame(record.truths, record.detections, self._scored, self._limits,
                           hidden=record.hidden)


def _right_of_published(scores: Sequence[FrameScore]) -> str:
    right, published = (sum(getattr(score, name) for score in scores)
                        for name in ('right', 'published'))
    return f'{right} of {published} published poses'


def _drawn(pose: ObjectPose, segment: NDArray[np.float32],
           row: ObjectScore | None) -> PictureObject:
    """Return a detection with its errors, or its true label, or that no object is there."""
    if row is None:
        return PictureObject(pose=pose, segment=segment, note=EXTRA, wrong=True)
    note = error_words(row) if row.detected_as == row.label else f'is: {row.label}'
    return PictureObject(pose=pose, segment=segment, note=note, wrong=not row.posed)
