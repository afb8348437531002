"""Whole frames of a dataset as cases: every pose that the pipeline judged by their pixels."""

from collections.abc import Callable, Iterator, Sequence

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.cases import RIGHT_ADD_S, Case, case_of
from pointpng_core.evaluation.frames.judge import FALSE_ADD_S
from pointpng_core.evaluation.frames.library import ModelLibrary
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.io.bop import BopDataset, BopFrame
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.reference import Reference
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.tracking.config import TrackingConfig

HALVED_EVERY = 4
"""Every so many frames are also searched with either half of the library: a bin holds objects that
are in no library, but most of what a robot is shown is."""


def frame_cases(estimator: PoseEstimator, dataset: BopDataset, *,
                report: Callable[[str], None] = lambda line: None) -> list[Case]:
    """Return a case of every pose in the frames of a dataset that the pixels judged.

    Right: ADD-S below RIGHT_ADD_S of the diameter to an object of the label; poses up to
    FALSE_ADD_S are neither right nor wrong, and are left out. Raises FileError.
    """
    library = ModelLibrary(dataset.objects(), estimator, report)
    cases: list[Case] = []
    for number, frame in enumerate(dataset.frames()):
        for references in _libraries(list(library.references.values()), number):
            cases += _cases(frame, estimator, library, references, dataset.folder.resolve().name)
        report(f'scene {frame.scene_id}, image {frame.image_id}: {len(cases)} cases')
    return cases


def _libraries(references: Sequence[Reference], number: int) -> Iterator[list[Reference]]:
    """Yield the references that a frame is searched for: all, and of some frames either half."""
    yield list(references)
    if number % HALVED_EVERY == 0:
        yield list(references[::2])
        yield list(references[1::2])


def _cases(frame: BopFrame, estimator: PoseEstimator, library: ModelLibrary,
           references: Sequence[Reference], source: str) -> Iterator[Case]:
    pipeline = FramePipeline(
        estimator=estimator, references=references, segmenter=SegmenterConfig(),
        config=PipelineConfig(tracking=TrackingConfig(enabled=False)))
    result = pipeline.process(PointCloud.from_depth(frame.depth_m(), frame.camera))
    known = {reference.name for reference in references}
    estimates = [found.estimate for found in (*result.detections, *result.poorly_constrained)]
    estimates += [found.estimate for found in result.rejected if found.estimate]
    for estimate in estimates:
        error = _error(estimate, frame, library)
        if estimate.pixel_features is not None and not RIGHT_ADD_S <= error < FALSE_ADD_S:
            right = error < RIGHT_ADD_S
            yield case_of(estimate, source=source, name=estimate.name if right else '',
                          right=right, known=right or len(known) == len(library.references))


def _error(estimate: PoseEstimate, frame: BopFrame, library: ModelLibrary) -> float:
    """Return the least ADD-S to an object of the label, in diameters; infinite without one."""
    surface = library.surfaces[estimate.name]
    return min((surface.add_s(estimate.T_observation_reference, instance.T_camera_object)
                for instance in frame.instances
                if library.names[instance.object_id] == estimate.name), default=float('inf'))
