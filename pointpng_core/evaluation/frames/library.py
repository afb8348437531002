"""The objects of a dataset as the benchmark needs them: references, surfaces, judges of poses."""

from collections.abc import Callable, Sequence

from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.frames.surface import Model, Surface
from pointpng_core.evaluation.pose.bop_judge import PoseJudge
from pointpng_core.io.bop import BopObject
from pointpng_core.reference import Reference

GIVEN, DETECTED = 'given', 'detected'
CIRCLE_STEPS = 315
"""Rotations about a continuous axis: steps of 1 % of the diameter at most, as BOP19 has them."""


class ModelLibrary:
    """All objects of a dataset by their names; what is derived from a model is made once."""

    def __init__(self, objects: Sequence[BopObject], estimator: PoseEstimator,
                 report: Callable[[str], None] = lambda line: None) -> None:
        """Build the references, or read them from the estimator's cache; raises FileError."""
        self._objects = {item.name: item for item in objects}
        self.names = {item.object_id: item.name for item in objects}
        self.references: dict[str, Reference] = {}
        for number, item in enumerate(objects, start=1):
            report(f'reference {number} of {len(objects)}: {item.name}')
            self.references[item.name] = estimator.reference_from_model(
                item.model, name=item.name, symmetry=item.symmetry)
        self._judges: dict[str, PoseJudge] = {}
        self.surfaces = {item.name: Surface(item.model, item.diameter_m) for item in objects}

    @property
    def symmetries(self) -> str:
        """Return GIVEN, or DETECTED where the dataset gives none to any object."""
        given = any(item.symmetries_given for item in self._objects.values())
        return GIVEN if given else DETECTED

    def model(self, name: str) -> tuple[Model, float]:
        """Return the model of an object and its diameter, metres."""
        item = self._objects[name]
        return item.model, item.diameter_m

    def object_id(self, name: str) -> int:
        """Return the number of an object in the dataset."""
        return self._objects[name].object_id

    def judge(self, name: str) -> PoseJudge:
        """Return what measures MSSD, MSPD and VSD of an object.

        Symmetries are those of the dataset, else those that its reference found.
        """
        if name not in self._judges:
            self._judges[name] = self._made_judge(self._objects[name])
        return self._judges[name]

    def _made_judge(self, item: BopObject) -> PoseJudge:
        symmetries = item.transforms() if item.symmetries_given \
            else self.references[item.name].symmetry.transforms(steps=CIRCLE_STEPS)
        return PoseJudge(item.model, diameter_m=item.diameter_m, symmetries=symmetries)
