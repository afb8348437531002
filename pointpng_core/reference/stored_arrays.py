"""What the arrays of a stored reference must be, before a reference is made of them."""

from collections.abc import Mapping
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.reference.surface.voxel_lookup import (
    CELLS,
    MARGIN_DIAMETERS,
    NEIGHBOURS,
    disc_reach_m,
)

Arrays = Mapping[str, NDArray[Any]]
_F4, _F8, _I4, _BOOL = np.float32, np.float64, np.int32, np.bool_
LAYOUT: dict[str, tuple[type, tuple[int | str, ...]]] = {
    'points': (_F4, ('M', 3)), 'normals': (_F4, ('M', 3)), 'centre': (_F8, (3,)),
    'diameter_m': (_F8, ()), 'spacing_m': (_F8, ()), 'complete': (_BOOL, ()),
    'outward': (_BOOL, ()), 'near_symmetries': (_F8, ('G', 4, 4)), 'symmetry': (_F8, ('E', 7)),
    'probes': (_F4, ('K', 3)), 'embedding': (_F4, ('d',)),
    'field.surface': (_F4, ('M', 6)), 'field.nearest': (_I4, (CELLS ** 3,)),
    'field.neighbours': (_I4, ('M', NEIGHBOURS)), 'field.origin': (_F4, (1, 3)),
    'field.cell': (_F4, (1,)), 'field.reach': (_F4, (1,)),
    'views.directions': (_F4, ('V', 3)), 'views.R_view_reference': (_F4, ('W', 3, 3)),
    'views.centroids': (_F4, ('W', 3)), 'views.embeddings': (_F4, ('W', 'd')),
    'views.visible': (_BOOL, ('V', 'K'))}
"""Type and shape of each array; a letter stands for the same number everywhere."""
_MAY_BE_NONE = ('G', 'E')
_TOLERANCE = 1e-3


def check_arrays(arrays: Arrays, *, dim: int) -> None:
    """Raise FileError for arrays that are no reference with embeddings of size `dim`."""
    if arrays.keys() != LAYOUT.keys():
        odd = sorted(arrays.keys() ^ LAYOUT.keys())
        raise FileError(f'its arrays are others than those of a reference: {odd[0]!r}')
    _check_layout(arrays, {'d': dim})
    _check_surface(arrays)
    _check_views(arrays)


def _check_layout(arrays: Arrays, sizes: dict[str, int]) -> None:
    """Check types, shapes and finiteness."""
    for name, (kind, shape) in LAYOUT.items():
        array = arrays[name]
        expected = tuple(size if isinstance(size, int) else
                         sizes.setdefault(size, array.shape[axis]) if axis < array.ndim else -1
                         for axis, size in enumerate(shape))
        empty = [size for size in shape if isinstance(size, str) and size not in _MAY_BE_NONE
                 and sizes[size] == 0]
        if array.dtype != kind or array.shape != expected or empty:
            raise FileError(f'{name} is {array.dtype} {array.shape}, expected '
                            f'{np.dtype(kind)} {expected}')
        if not np.isfinite(array).all():
            raise FileError(f'{name} holds numbers that are not finite')


def _check_surface(arrays: Arrays) -> None:
    points, centre = arrays['points'], arrays['centre']
    sides = np.ptp(points.astype(np.float64), axis=0)
    diameter, slack = float(arrays['diameter_m']), 1.0 + _TOLERANCE
    _require('centre', np.abs(points.mean(axis=0, dtype=np.float64) - centre).max()
             <= 1e-4 * diameter)
    _require('diameter_m', 0 < sides.max() <= diameter * slack
             and diameter <= np.linalg.norm(sides) * slack)
    _require('spacing_m', 0 < float(arrays['spacing_m']) <= diameter)
    _require('normals', _unit(arrays['normals']))
    local, near = (points - centre).astype(np.float32), 1e-4 * diameter
    surface = arrays['field.surface']
    _require('field.surface', np.abs(surface[:, :3] - local).max() <= near
             and np.array_equal(surface[:, 3:], arrays['normals']))
    cell, reach = float(arrays['field.cell'][0]), float(arrays['field.reach'][0])
    _require('field.cell', 0 < cell * CELLS <= (1 + 2 * MARGIN_DIAMETERS) * diameter * slack)
    _require('field.reach', math.isclose(reach, disc_reach_m(float(arrays['spacing_m']), cell),
                                         rel_tol=_TOLERANCE))
    _require('field.origin', np.abs(arrays['field.origin']).max() <= 2 * diameter)
    for name in ('field.nearest', 'field.neighbours'):
        _require(name, arrays[name].min() >= 0 and arrays[name].max() < len(points))
    _require('probes', np.abs(arrays['probes']).max() <= np.abs(local).max() + near)


def _check_views(arrays: Arrays) -> None:
    _require('embedding', _unit(arrays['embedding']))
    _require('views.embeddings', _unit(arrays['views.embeddings']))
    _require('views.directions', _unit(arrays['views.directions'])
             and len(arrays['views.directions']) <= len(arrays['views.centroids']))
    _require('views.R_view_reference', rigid(arrays['views.R_view_reference']))
    _require('views.centroids', np.linalg.norm(arrays['views.centroids'], axis=1).max()
             <= float(arrays['diameter_m']))
    motions = arrays['near_symmetries']
    _require('near_symmetries', rigid(motions[:, :3, :3])
             and bool((motions[:, 3] == (0, 0, 0, 1)).all()))


def rigid(R: NDArray[np.floating]) -> bool:
    """Return whether all matrices (N, 3, 3) are rotations."""
    near = np.abs(R @ R.transpose(0, 2, 1) - np.eye(3)).max(initial=0.0) < _TOLERANCE
    return bool(near and (np.linalg.det(R) > 0).all())


def _unit(vectors: NDArray[np.floating]) -> bool:
    return bool((np.abs(np.linalg.norm(vectors, axis=-1) - 1.0) < _TOLERANCE).all())


def _require(name: str, right: Any) -> None:
    if not right:
        raise FileError(f'{name} does not fit the rest of the reference')
