"""The work of one process: a recording after the other, from a bag to a file of results."""

from dataclasses import dataclass
from itertools import islice
import logging
from time import monotonic
from typing import Any

import torch

from pointpng_core.errors import LibraryError, PointPngError
from pointpng_core.evaluation.recordings.bag_list import Recording
from pointpng_core.evaluation.recordings.frame_sequence import (
    FrameSequence,
    choose_topic,
    recorded_clouds,
)
from pointpng_core.evaluation.recordings.parquet import parquet_path, write_parquet
from pointpng_core.evaluation.recordings.result_file import (
    FRAME,
    HEADER,
    SUMMARY,
    ResultWriter,
    result_writer,
)
from pointpng_core.evaluation.recordings.settings import FrameModel, FrameSettings
from pointpng_core.evaluation.recordings.tasks import Progress, Summary, Task, Worker, failure
from pointpng_core.io.bags.reader import CloudBag

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FrameWorkerMaker:
    """Makes the worker in whatever process calls it, and is what is sent there.

    The worker refuses to begin (LibraryError) when what it reads there has another digest.
    """

    settings: FrameSettings
    digest: str

    def __call__(self) -> Worker:
        """Load library and model; raises PointPngError."""
        torch.set_num_threads(1)  # processes share the cores; one core does not depend on others
        model = FrameModel(self.settings)
        found = model.provenance['digest']
        if found != self.digest:
            raise LibraryError(f'a worker has read {self.settings.objects} and model '
                               f'{self.settings.model} with the digest {found}, not {self.digest}:'
                               ' version and files must be the same on all hosts')
        return FrameWorker(model)


class FrameWorker:
    """Estimates the poses in recordings with one loaded model."""

    def __init__(self, model: FrameModel) -> None:
        self._model = model

    def process(self, task: Task, progress: Progress) -> Summary:
        """Write the results of a recording and return their summary; raises nothing.

        An error ends the recording. It stands in the summary, and in the file if that can be
        written.
        """
        summary: Summary | None = None
        try:
            with result_writer(task.target) as writer:
                # It would outlive the JSON lines that it was made from.
                parquet_path(task.target).unlink(missing_ok=True)
                summary = self._write(task.recording, writer, progress)
            if task.parquet:
                write_parquet(task.target)
        except Exception as error:
            lost = failure(described(error))
            return {**summary, 'error': lost['error']} if summary else lost
        return summary

    def _write(self, recording: Recording, writer: ResultWriter, progress: Progress) -> Summary:
        begun = monotonic()
        counts = _Counts()
        damage, error_text = '', None
        try:
            damage = self._write_frames(recording, writer, progress, counts)
        except Exception as error:
            error_text = described(error)
            if not counts.header_written:
                writer.write(HEADER, self._header(recording, topic=None))
        summary = {'frames': counts.frames, 'refused': counts.refused, 'poses': counts.poses,
                   'damage': damage, 'error': error_text, 'wall_s': monotonic() - begun}
        writer.write(SUMMARY, summary)
        return summary

    def _write_frames(self, recording: Recording, writer: ResultWriter, progress: Progress,
                      counts: '_Counts') -> str:
        """Write the header and a record for each cloud; returns the damage of the bag."""
        settings = self._model.settings
        with CloudBag(recording.path) as bag, torch.inference_mode():
            topic = choose_topic(bag, settings.topic)
            writer.write(HEADER, self._header(recording, topic=topic))
            counts.header_written = True
            total = min(bag.topics[topic], settings.frames or bag.topics[topic])
            progress(0, total)
            sequence = FrameSequence(self._model.pipeline(), settings.viewpoint)
            for recorded in islice(recorded_clouds(bag, topic), settings.frames):
                frame = sequence.process(recorded)
                writer.write(FRAME, frame)
                counts.add(frame)
                progress(counts.frames, total)
            return bag.damage

    def _header(self, recording: Recording, *, topic: str | None) -> dict[str, Any]:
        return {'bag': recording.path, 'bag_bytes': recording.size_bytes, 'topic': topic,
                **self._model.provenance}


@dataclass
class _Counts:
    header_written: bool = False
    frames: int = 0
    refused: int = 0
    poses: int = 0

    def add(self, frame: dict[str, Any]) -> None:
        self.frames += 1
        self.refused += frame['refused'] is not None
        self.poses += len(frame['objects'])


def described(error: Exception) -> str:
    """Return an error for the summary: errors of this package explain themselves."""
    if isinstance(error, PointPngError):
        return str(error)
    logger.error('unexpected error', exc_info=error)
    return f'{type(error).__name__}: {error}'
