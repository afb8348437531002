"""The symmetries of an object in `models_info.json`, as motions for measures and as a group.

Format and meaning: https://bop.felk.cvut.cz/challenges/bop-challenge-2020, "symmetries". A
discrete one is a motion (4, 4), a continuous one all rotations about an axis through a point.
"""

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.geometry.symmetry import CONTINUOUS, Rotational
from pointpng_core.geometry.symmetry_fitting import FittedSymmetry, fit_symmetry
from pointpng_core.io.bop import layout
from pointpng_core.io.bop.json_files import Record, is_number
from pointpng_core.io.bop.poses import ROTATION_TOLERANCE
from pointpng_core.io.units import MM_PER_M
from pointpng_core.text import shown

MAX_STEP = 0.01
"""Of BOP19: the farthest vertex moves by at most this share of the diameter from one rotation
about a continuous axis to the next; 315 rotations."""
MAX_SYMMETRIES = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class BopSymmetries:
    """What a dataset says of one object: motions (D, 4, 4) in metres, and continuous axes."""

    discrete: NDArray[np.float64]
    continuous: tuple[Rotational, ...]

    def transforms(self, *, max_step: float = MAX_STEP) -> NDArray[np.float64]:
        """Return the motions (S, 4, 4) over which MSSD and MSPD take the least error.

        As the BOP19 evaluation does: every rotation about every continuous axis, in equal steps,
        after the identity and every discrete motion. The first one is the identity.
        """
        discrete = np.concatenate([np.eye(4)[None], self.discrete])
        if not self.continuous:
            return discrete
        steps = math.ceil(math.pi / max_step)
        rotations = np.stack([axis.transform(2 * math.pi * k / steps)
                              for axis in self.continuous for k in range(steps)])
        return (rotations[None] @ discrete[:, None]).reshape(-1, 4, 4)

    def fitted(self, diameter_m: float) -> FittedSymmetry:
        """Return the group of motions nearest to these, with notes on what is not in it."""
        return fit_symmetry(self.discrete, self.continuous, size_m=diameter_m)


def read_symmetries(record: Record) -> BopSymmetries:
    """Return the symmetries of one entry of `models_info.json`; raises FileError."""
    discrete = [_motion(f'{record.where}: {layout.SYMMETRIES_DISCRETE}[{i}]', values)
                for i, values in enumerate(_bounded(record, layout.SYMMETRIES_DISCRETE))]
    continuous = [_axis(Record(f'{record.where}: {layout.SYMMETRIES_CONTINUOUS}[{i}]', values))
                  for i, values in enumerate(_bounded(record, layout.SYMMETRIES_CONTINUOUS))]
    return BopSymmetries(discrete=np.array(discrete, dtype=np.float64).reshape(-1, 4, 4),
                         continuous=tuple(continuous))


def _bounded(record: Record, key: str) -> list[object]:
    values = record.sequence(key)
    if len(values) > MAX_SYMMETRIES:
        raise FileError(f'{record.where}: "{key}" has {len(values)} entries; no more than '
                        f'{MAX_SYMMETRIES} are read')
    return values


def _motion(where: str, values: object) -> NDArray[np.float64]:
    """Return a motion (4, 4) in metres. A reflection, which is no motion, stays one here."""
    if not (isinstance(values, list) and len(values) == 16 and all(map(is_number, values))):
        raise FileError(f'{where} is {shown(values)}, but must be 16 finite numbers: a matrix '
                        '4 x 4, row by row, its translation in mm')
    T = np.array(values, dtype=np.float64).reshape(4, 4)
    error = float(np.abs(T[:3, :3].T @ T[:3, :3] - np.eye(3)).max())
    if error > ROTATION_TOLERANCE or (T[3] != [0, 0, 0, 1]).any():
        raise FileError(f'{where} = {shown(values)} is not a rigid motion: R^T R differs from 1 '
                        f'by {error:.2g}, the last row is {T[3].tolist()}')
    T[:3, 3] /= MM_PER_M
    return T


def _axis(record: Record) -> Rotational:
    axis, offset_mm = record.numbers(layout.AXIS, 3), record.numbers(layout.OFFSET, 3)
    if np.linalg.norm(axis) < 1e-6:
        raise FileError(f'{record.where}: "{layout.AXIS}" is {axis.tolist()}, which has no '
                        'direction')
    return Rotational.through(offset_mm / MM_PER_M, axis, order=CONTINUOUS)


