"""Poses of objects on simulated tables, estimated with models in place of the true meshes."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.scenes import seen_object, simulated_tables
from pointpng_core.geometry.clouds.measures import box_around
from pointpng_core.io import TriangleMesh
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.simulation.shapes.catalogue import CatalogueObject, make_object, object_names
from pointpng_core.simulation.simulator import SimulatedFrame
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.frame_result import Detection

ROTATION_DEG, SHIFT_M = 5.0, 0.005
"""A pose with errors below these is correct."""
IN_VIEW = 0.5
"""Visible share of an object from which on it counts as seen."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelUnderTest:
    """A model (`mesh`) of a true object, and the object's pose (4, 4) in the model's frame."""

    true: CatalogueObject
    mesh: TriangleMesh
    T_model_true: NDArray[np.float64]

    def with_true_mesh(self) -> 'ModelUnderTest':
        """Return the true mesh as a model of the same object."""
        return ModelUnderTest(true=self.true, mesh=self.true.mesh, T_model_true=np.eye(4))

    def poses(self, found: Detection, T_camera_object: NDArray[np.float64]) -> bool:
        """Return whether a detection of the model has the object's pose, up to its symmetry.

        The shift is measured at the centre of the object's bounding box.
        """
        middle, _ = box_around(self.true.mesh.vertices)
        return self.true.symmetry.same(
            found.estimate.T_observation_reference @ self.T_model_true, T_camera_object,
            rotation_rad=np.radians(ROTATION_DEG), shift_m=SHIFT_M, about=middle)


@dataclass(frozen=True, kw_only=True)
class PoseCounts:
    """How often the poses of one object were correct, over all tables."""

    seen: int = 0
    """Frames in which it was fully in the image and at least half of it visible."""
    posed: int = 0
    """Frames of these with a correct detection at the default confidence."""
    wrong: int = 0
    """Detections of it at the default confidence with an incorrect pose."""
    mistaken: int = 0
    """Detections of its name on other objects, or on none."""

    def __add__(self, other: 'PoseCounts') -> 'PoseCounts':
        """Return the sums."""
        return PoseCounts(**{key: count + getattr(other, key)
                             for key, count in asdict(self).items()})


def count_posed(estimator: PoseEstimator, models: Sequence[ModelUnderTest], *, scenes: int,
                seed: int) -> dict[str, PoseCounts]:
    """Return the pose counts of each model's object, by name, on so many crowded tables.

    Any object of the catalogue may stand or lie there, whether or not it has a model. A pose is
    correct within 5 degrees and 5 mm, up to symmetry. The models' own symmetries are detected.
    """
    pipeline = FramePipeline(
        estimator=estimator, segmenter=SegmenterConfig(),
        references=[estimator.reference_from_model(model.mesh, name=model.true.name)
                    for model in models],
        config=PipelineConfig(tracking=TrackingConfig(enabled=False)))
    counts = {model.true.name: PoseCounts() for model in models}
    for frame in simulated_tables([make_object(name) for name in object_names()], scenes=scenes,
                                  seed=seed):
        found = pipeline.process(frame.points.reshape(-1, 3)).detections
        for model in models:
            counts[model.true.name] += _count_frame(model, frame, found)
    return counts


def _count_frame(model: ModelUnderTest, frame: SimulatedFrame, found: Iterable[Detection]
                 ) -> PoseCounts:
    name = model.true.name
    met = [(detection, seen_object(detection, frame)) for detection in found
           if detection.label == name]
    of_it = [(detection, truth) for detection, truth in met if truth and truth.label == name]
    right = [truth.frame for detection, truth in of_it
             if model.poses(detection, truth.T_camera_object)]
    seen = [truth.frame for truth in frame.in_view(IN_VIEW) if truth.label == name]
    return PoseCounts(seen=len(seen), posed=len(set(seen) & set(right)),
                 wrong=len(of_it) - len(right), mistaken=len(met) - len(of_it))
