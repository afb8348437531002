"""The objects of a BOP dataset: meshes in millimetres beside a `models_info.json`."""

from collections.abc import Sequence
from dataclasses import dataclass
import functools
from pathlib import Path
import re

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.geometry.symmetry import Symmetry
from pointpng_core.geometry.symmetry_fitting import FittedSymmetry
from pointpng_core.io.bop import layout
from pointpng_core.io.bop.json_files import Record, read_json
from pointpng_core.io.bop.symmetries import BopSymmetries, read_symmetries
from pointpng_core.io.model_files import check_extent, read_model
from pointpng_core.io.units import MM_PER_M

_MODEL_FILE = re.compile(r'obj_(\d{1,9})\.ply')
_DIAMETER_RANGE = (0.5, 1.25)
"""Of a diameter over the diagonal of the mesh's box: at least 1 / sqrt(3), at most 1, but for
another mesh of the same object."""
_MAX_NAME = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class BopObject:
    """One object; its file is read when the model is asked for."""

    object_id: int
    name: str
    """The key `name` of its entry, else `obj_000001`; fit for an object library."""
    path: Path
    diameter_m: float
    """The largest distance between two of its vertices."""
    symmetries: BopSymmetries
    symmetries_given: bool
    """Whether the dataset gives symmetries: to this object, or to another one, not to this."""

    @functools.cached_property
    def model(self) -> TriangleMesh | NDArray[np.float32]:
        """Return the mesh, or the points (N, 3) of a model without faces, in metres.

        Raises FileError, also when its unit is not mm.
        """
        model = read_model(self.path, unit='mm')
        points = model.vertices if isinstance(model, TriangleMesh) else model
        check_extent(f'{self.path}', points, 'mm')
        diagonal_m = float(np.linalg.norm(np.ptp(points.astype(np.float64), axis=0)))
        low, high = _DIAMETER_RANGE
        if not low <= self.diameter_m / diagonal_m <= high:
            raise FileError(f'{self.path}: the diagonal of its box is {1e3 * diagonal_m:.4g} mm, '
                            f'but {layout.MODELS_INFO} says "{layout.DIAMETER}" '
                            f'{1e3 * self.diameter_m:.4g}; both must be in millimetres')
        return model

    @property
    def mesh(self) -> TriangleMesh:
        """Return the mesh in metres; raises FileError, also for a model without faces."""
        if not isinstance(self.model, TriangleMesh):
            raise FileError(f'{self.path} has no faces: a mesh is needed here, not a cloud')
        return self.model

    @property
    def points(self) -> NDArray[np.float32]:
        """Return the vertices of the mesh, or the points (N, 3), in metres; raises FileError."""
        return self.model.vertices if isinstance(self.model, TriangleMesh) else self.model

    @property
    def symmetry(self) -> Symmetry | None:
        """Return the symmetry that the dataset gives; None where it gives none to any object.

        `symmetry_notes` tell what of it our groups cannot represent.
        """
        return self._fitted.symmetry if self.symmetries_given else None

    @property
    def symmetry_notes(self) -> tuple[str, ...]:
        """Return sentences about given symmetries that `symmetry` does not contain."""
        return self._fitted.notes

    @functools.cached_property
    def _fitted(self) -> FittedSymmetry:
        return self.symmetries.fitted(self.diameter_m)

    def transforms(self) -> NDArray[np.float64]:
        """Return the motions (S, 4, 4) of the BOP19 measures: see `BopSymmetries.transforms`."""
        return self.symmetries.transforms()


def model_files(folder: Path) -> dict[int, Path]:
    """Return {object id: mesh} of a folder of models, by id."""
    found = {path: _MODEL_FILE.fullmatch(path.name) for path in folder.glob('obj_*.ply')}
    return dict(sorted((int(match[1]), path) for path, match in found.items() if match))


def read_objects(folder: Path) -> list[BopObject]:
    """Return the objects of a folder of models, by id; raises FileError."""
    files = model_files(folder)
    if not files:
        raise FileError(f'{folder} has no meshes obj_000001.ply, obj_000002.ply, ...')
    path = folder / layout.MODELS_INFO
    info = Record(f'{path}', read_json(path, hint='every folder of models of a BOP dataset has '
                                       'one, with "diameter" (mm) by object id'))
    records = {object_id: Record(f'{path}, object {object_id}', values)
               for object_id, values in info.by_id()}
    missing = sorted(set(files) - set(records))
    if missing:
        raise FileError(f'{path} has no entry for {", ".join(map(str, missing))}; add '
                        f'{{"diameter": ...}} in mm for each mesh of the folder')
    given = any(layout.SYMMETRIES_DISCRETE in record or layout.SYMMETRIES_CONTINUOUS in record
                for record in records.values())
    names = _names({object_id: records[object_id] for object_id in files})
    return [BopObject(object_id=object_id, name=names[object_id], path=file,
                      diameter_m=records[object_id].positive(layout.DIAMETER) / MM_PER_M,
                      symmetries=read_symmetries(records[object_id]), symmetries_given=given)
            for object_id, file in files.items()]


def object_of_file(file: Path) -> BopObject | None:
    """Return the object of a mesh that lies in a folder of models; None for any other path.

    Raises FileError when `models_info.json` beside it is broken.
    """
    if not _MODEL_FILE.fullmatch(file.name) or not (file.parent / layout.MODELS_INFO).is_file():
        return None
    return next((item for item in read_objects(file.parent) if item.path.name == file.name), None)


def _names(records: dict[int, Record]) -> dict[int, str]:
    """Return a name for each object: letters, digits and underscores, each one once."""
    wanted = {object_id: _library_name(object_id, record) for object_id, record in records.items()}
    names: Sequence[str] = list(wanted.values())
    return {object_id: name if names.count(name) == 1 else f'{name}_{object_id}'
            for object_id, name in wanted.items()}


def _library_name(object_id: int, record: Record) -> str:
    if layout.NAME not in record:
        return layout.object_name(object_id)
    name = re.sub(r'[^A-Za-z0-9]+', '_', record.text(layout.NAME)[:_MAX_NAME]).strip('_')
    return name if name[:1].isalpha() else f'obj_{name or object_id}'
