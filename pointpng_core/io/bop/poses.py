"""Rigid motions in JSON: a rotation, row by row, and a translation in millimetres."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.bop.json_files import Record
from pointpng_core.io.units import MM_PER_M
from pointpng_core.text import shown

ROTATION_TOLERANCE = 1e-3
"""Largest element of R^T R - 1: published poses have 3 to 8 digits."""
DISTANCE_RANGE_M = (0.01, 100.0)
"""Of an object's origin from the camera; outside of it the unit is not millimetres."""


def checked_rotation(where: str, R: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation nearest to a matrix (3, 3) that is one but for rounding.

    Raises FileError for a matrix farther from a rotation than ROTATION_TOLERANCE.
    """
    error = float(np.abs(R.T @ R - np.eye(3)).max())
    if error > ROTATION_TOLERANCE:
        raise FileError(f'{where} = {shown(R.reshape(-1).tolist())} is not a rotation: R^T R '
                        f'differs from 1 by {error:.2g}; it must be a rotation matrix, row by row')
    if np.linalg.det(R) < 0:
        raise FileError(f'{where} = {shown(R.reshape(-1).tolist())} is a reflection, its '
                        'determinant is -1; is one of the axes reversed?')
    left, _, right = np.linalg.svd(R)
    nearest: NDArray[np.float64] = left @ right
    return nearest


def read_pose(record: Record, rotation_key: str, translation_key: str) -> NDArray[np.float64]:
    """Return a pose (4, 4) in metres; raises FileError."""
    T = np.eye(4)
    T[:3, :3] = checked_rotation(f'{record.where}: "{rotation_key}"',
                                 record.numbers(rotation_key, 9).reshape(3, 3))
    T[:3, 3] = record.numbers(translation_key, 3) / MM_PER_M
    return T


def check_distance(where: str, T_camera_object: NDArray[np.float64]) -> None:
    """Raise FileError for a pose (4, 4) whose translation cannot be millimetres."""
    low, high = DISTANCE_RANGE_M
    distance_m = float(np.linalg.norm(T_camera_object[:3, 3]))
    if low <= distance_m <= high:
        return
    hint = 'metres' if distance_m < low else 'another unit'
    raise FileError(f'{where}: the object would be {distance_m:.3g} m from the camera; '
                    f'translations are in millimetres: is this one in {hint}?')


def pose_numbers(T: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Return the rotation (9), row by row, and the translation (3) in mm of a pose (4, 4)."""
    return T[:3, :3].reshape(-1).tolist(), (T[:3, 3] * MM_PER_M).tolist()
