"""Units of length in files, and the check that catches millimetres taken for metres."""

from typing import Any

import numpy as np

from pointpng_core.errors import FileError

UNIT_M = {'m': 1.0, 'cm': 0.01, 'mm': 0.001, 'in': 0.0254}
EXTENT_RANGE_M = (0.001, 10.0)


def unit_scale(where: str, unit: Any) -> float:
    """Return the metres in one unit ('m', 'cm', 'mm', 'in'); raises FileError."""
    if not isinstance(unit, str) or unit not in UNIT_M:
        raise FileError(f'{where}: unit {unit!r} is not known; use {", ".join(UNIT_M)}')
    return UNIT_M[unit]


def check_extent(where: str, points: np.ndarray, unit: str) -> None:
    """Raise FileError unless points (N, 3) in metres span 1 mm to 10 m, with a hint."""
    low, high = EXTENT_RANGE_M
    extent_m = float(np.ptp(points[np.isfinite(points).all(axis=1)], axis=0).max())
    if low <= extent_m <= high:
        return
    fits = [other for other in ('m', 'cm', 'mm')
            if other != unit and low <= extent_m / UNIT_M[unit] * UNIT_M[other] <= high]
    hint = f'is its unit {" or ".join(fits)}?' if fits else 'is it the right file?'
    if extent_m > high and 'mm' in fits:
        hint = f'is it in millimetres? ({hint})'
    raise FileError(f'{where}: its extent would be {extent_m:.6g} m with unit {unit!r}, but '
                    f'objects measure {low:g} to {high:g} m; {hint}')
