"""Simulated tables posed by models that stand in for the true meshes of what is on them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.scenes import seen_object, simulated_tables
from pointpng_core.geometry.clouds.bounding_box import box_around
from pointpng_core.io import TriangleMesh
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.simulation.shapes.catalogue import CatalogueObject, make_object, object_names
from pointpng_core.simulation.simulator import SimulatedFrame
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.frame_result import Detection

TURN_DEG, SHIFT_M = 5.0, 0.005
"""A pose within these is right."""
IN_VIEW = 0.5
"""Share of an object that must not be hidden for it to count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StandIn:
    """A model (`mesh`) of a catalogue object, and the object's pose (4, 4) in its frame."""

    thing: CatalogueObject
    mesh: TriangleMesh
    T_model_true: NDArray[np.float64]

    @property
    def true(self) -> 'StandIn':
        """Return the true mesh as its own model."""
        return StandIn(thing=self.thing, mesh=self.thing.mesh, T_model_true=np.eye(4))

    def poses(self, found: Detection, T_camera_object: NDArray[np.float64]) -> bool:
        """Tell whether a detection of the model has the object's pose, up to its symmetry.

        The shift is that of the middle of the object's box.
        """
        middle, _ = box_around(self.thing.mesh.vertices)
        return self.thing.symmetry.same(
            found.estimate.T_observation_reference @ self.T_model_true, T_camera_object,
            rotation_rad=np.radians(TURN_DEG), shift_m=SHIFT_M, about=middle)


@dataclass(frozen=True, kw_only=True)
class Posed:
    """What became of one object on all tables."""

    seen: int = 0
    """Times it was wholly in the image and at least half of it not hidden."""
    posed: int = 0
    """Of these, a detection at the default confidence was right."""
    wrong: int = 0
    """Detections of it, at the default confidence, that were not right."""
    mistaken: int = 0
    """Detections of its name that were of something else."""

    def __add__(self, other: 'Posed') -> 'Posed':
        """Return the sums."""
        return Posed(**{key: count + getattr(other, key) for key, count in asdict(self).items()})


def count_posed(estimator: PoseEstimator, models: Sequence[StandIn], *, scenes: int, seed: int
                ) -> dict[str, Posed]:
    """Return what became of each model's object, by name, on so many crowded tables.

    Anything of the catalogue may stand or lie there, whether or not it has a model. Right is a
    pose within 5 degrees and 5 mm, up to the symmetry. The models' own symmetries are discovered.
    """
    pipeline = FramePipeline(
        estimator=estimator, segmenter=SegmenterConfig(),
        references=[estimator.reference_from_model(model.mesh, name=model.thing.name)
                    for model in models],
        config=PipelineConfig(tracking=TrackingConfig(enabled=False)))
    counts = {model.thing.name: Posed() for model in models}
    for frame in simulated_tables([make_object(name) for name in object_names()], scenes=scenes,
                                  seed=seed):
        found = pipeline.process(frame.points.reshape(-1, 3), frame.owner.shape).detections
        for model in models:
            counts[model.thing.name] += _on_one(model, frame, found)
    return counts


def _on_one(model: StandIn, frame: SimulatedFrame, found: Iterable[Detection]) -> Posed:
    name = model.thing.name
    met = [(detection, seen_object(detection, frame)) for detection in found
           if detection.label == name]
    of_it = [(detection, truth) for detection, truth in met if truth and truth.label == name]
    right = [truth.frame for detection, truth in of_it
             if model.poses(detection, truth.T_camera_object)]
    seen = [truth.frame for truth in frame.in_view(IN_VIEW) if truth.label == name]
    return Posed(seen=len(seen), posed=len(set(seen) & set(right)),
                 wrong=len(of_it) - len(right), mistaken=len(met) - len(of_it))
