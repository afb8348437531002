"""The objects of a dataset as the benchmark needs them: references, surfaces, judges of poses."""

from collections.abc import Callable, Sequence

from pointpng_core.errors import FileError
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
                 report: Callable[[str], None] = lambda line: None, *,
                 judged_on: Sequence[BopObject] | None = None) -> None:
        """Build the references, or read them from the estimator's cache; raises FileError.

        `judged_on` are the same objects with the meshes that MSSD, MSPD and VSD are measured on,
        by default those of `objects`.
        """
        self._objects = {item.name: item for item in objects}
        self._judged_on = _same_objects(objects, objects if judged_on is None else judged_on)
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
        given = any(self._with_symmetries(item) for item in self._objects.values())
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

        Symmetries are those that the dataset gives with the meshes to judge on, or with the other
        ones, else those that its reference found.
        """
        if name not in self._judges:
            self._judges[name] = self._made_judge(self._objects[name])
        return self._judges[name]

    def _made_judge(self, item: BopObject) -> PoseJudge:
        given, shape = self._with_symmetries(item), self._judged_on[item.object_id]
        symmetries = given.transforms() if given \
            else self.references[item.name].symmetry.transforms(steps=CIRCLE_STEPS)
        return PoseJudge(shape.model, diameter_m=shape.diameter_m, symmetries=symmetries)

    def _with_symmetries(self, item: BopObject) -> BopObject | None:
        return next((each for each in (self._judged_on[item.object_id], item)
                     if each.symmetries_given), None)


def _same_objects(objects: Sequence[BopObject], judged_on: Sequence[BopObject]
                  ) -> dict[int, BopObject]:
    """Return the meshes to judge on by object id; raises FileError where an object has none."""
    found = {item.object_id: item for item in judged_on}
    missing = [str(item.object_id) for item in objects if item.object_id not in found]
    if missing:
        raise FileError(f'{judged_on[0].path.parent} has no mesh of object {", ".join(missing)}; '
                        f'{objects[0].path.parent} has: both need the same objects')
    return found
