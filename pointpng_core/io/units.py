"""Units of lengths in files."""

from typing import Any

from pointpng_core.errors import FileError
from pointpng_core.text import shown

MM_PER_M = 1000.0
UNIT_M = {'m': 1.0, 'cm': 0.01, 'mm': 0.001, 'in': 0.0254}
DEPTH_RANGE_M = (0.05, 20.0)
"""Range of the median depth of images: nothing nearer or farther is manipulated."""


def unit_scale(where: str, unit: Any) -> float:
    """Return the metres in one unit ('m', 'cm', 'mm', 'in'); raises FileError."""
    if not isinstance(unit, str) or unit not in UNIT_M:
        raise FileError(f'{where}: unit {shown(unit)} is not known; use {", ".join(UNIT_M)}')
    return UNIT_M[unit]
