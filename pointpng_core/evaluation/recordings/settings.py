"""What determines the poses in a recording, beside the recording itself, and its digest."""

from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

from pointpng_core import __version__
from pointpng_core.errors import LibraryError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.recordings.recorded_clouds import CloudStream, choose_stream
from pointpng_core.geometry.depth_noise import KINECT_NOISE, DepthNoise
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.io.files import file_sha256
from pointpng_core.io.object_library import OBJECTS_FILE, load_library
from pointpng_core.io.units import MM_PER_M
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.reference import Reference
from pointpng_core.segmentation import SegmenterConfig

FORMAT = 2
"""Raise it when the records of a frame change, or how they come about, within a version."""


@dataclass(frozen=True, kw_only=True)
class RecordingSettings:
    """The object library, the model, and which clouds of a recording are processed."""

    objects: Path
    """Folder of the library; absolute where workers on other hosts read it."""
    model: str = 'training_free'
    device: str = 'cpu'
    topic: str | None = None
    """Topic of every recording, of clouds or depth images; None where each has one only."""
    camera_info: str | None = None
    """CameraInfo topic of depth images; None for the one beside them."""
    depth_scale: float = 1.0
    """Millimetres of one unit of depth images of whole numbers."""
    frames: int | None = None
    """Only the first ones; None for all."""
    viewpoint: tuple[float, float, float] | None = None
    """Position of the sensor in the frame of the clouds, metres; None for its origin."""
    depth_noise: DepthNoise = KINECT_NOISE
    """Of the camera of every recording."""
    cache_dir: Path | None = None
    """Folder in which built references are kept; of no influence on the poses."""

    def stream(self, bag: CloudBag) -> CloudStream:
        """Return the clouds of an open bag; raises ConfigError."""
        return choose_stream(bag, self.topic, camera_info=self.camera_info,
                             unit_m=self.depth_scale / MM_PER_M)


class FrameModel:
    """The estimator and the references of some settings, loaded once for many recordings.

    Raises LibraryError, ConfigError, FileError.
    """

    def __init__(self, settings: RecordingSettings) -> None:
        self.settings = settings
        models = load_library(settings.objects)
        self._estimator = PoseEstimator(
            config=EstimatorConfig(depth_noise=settings.depth_noise), model=settings.model,
            device=settings.device, cache_dir=settings.cache_dir)
        self._references: list[Reference] = [
            self._estimator.reference_from_model(model.model, name=model.name,
                                                 symmetry=model.symmetry) for model in models]
        files = [settings.objects / OBJECTS_FILE, *(model.path for model in models)]
        self.provenance = _provenance(settings, self._estimator, files)

    def pipeline(self) -> FramePipeline:
        """Return a new pipeline, without any tracks."""
        return FramePipeline(estimator=self._estimator, references=self._references,
                             segmenter=SegmenterConfig(), config=PipelineConfig())


def _provenance(settings: RecordingSettings, estimator: PoseEstimator, files: list[Path]
                ) -> dict[str, Any]:
    """Return the facts of a header that determine the poses, and a digest of them all."""
    facts = {'version': __version__, 'library': _library_digest(files), 'model': settings.model,
             'device': estimator.device.type, 'only_topic': settings.topic,
             'only_frames': settings.frames, 'viewpoint': settings.viewpoint,
             'camera_info': settings.camera_info, 'depth_scale': settings.depth_scale}
    config: EstimatorConfig = estimator.config
    hidden = [FORMAT, estimator.model.encoder.key, config.to_mapping(),
              SegmenterConfig().to_mapping(), PipelineConfig().to_mapping()]
    return {**facts, 'digest': _digest(json.dumps([facts, hidden], sort_keys=True))}


def _library_digest(files: list[Path]) -> str:
    try:
        return _digest('\n'.join(f'{path.name} {file_sha256(path)}' for path in files))
    except OSError as error:
        raise LibraryError(f'cannot read {error.filename}: {error.strerror}') from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
