"""Units of lengths in files."""

from typing import Any

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.text import shown

MM_PER_M = 1000.0
UNIT_M = {'m': 1.0, 'cm': 0.01, 'mm': 0.001, 'in': 0.0254}
MAX_OFFSET_M = 16384.0
"""Of most points from the origin: beyond, numbers of 4 bytes are 2 mm apart, more than a camera's
noise at arm's length. Coordinates of a map grid (UTM) would lose a decimetre without a word."""


def unit_scale(where: str, unit: Any) -> float:
    """Return the metres in one unit ('m', 'cm', 'mm', 'in'); raises FileError."""
    if not isinstance(unit, str) or unit not in UNIT_M:
        raise FileError(f'{where}: unit {shown(unit)} is not known; use {", ".join(UNIT_M)}')
    return UNIT_M[unit]


def check_offset(where: str, points: np.ndarray) -> None:
    """Raise FileError where most of the finite points (N, 3) lie beyond MAX_OFFSET_M."""
    offset_m = float(np.median(np.abs(points).max(axis=1)))
    if offset_m > MAX_OFFSET_M:
        raise FileError(f'{where}: its points lie {offset_m:.6g} m from the origin, where single '
                        f'precision resolves {np.spacing(np.float32(offset_m)):.2g} m: subtract '
                        'an offset from the coordinates, or is its unit another one?')
