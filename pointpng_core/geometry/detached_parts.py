"""Bits of geometry far from an object, such as a screw that a CAD program left elsewhere."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.closed_surfaces import areas, boxes, sums_by

DETACHED_SHARE = 0.01
"""Share of the area that a part has at least if it belongs to the object, wherever it lies."""
DETACHED_DIAGONALS = 0.25
"""Gap between boxes, in diagonals of the largest part, from which on a smaller one is detached.
Of the 46 models of the BOP sets and the nine of the catalogue, none has such a part."""
MAIN_SHARE = 0.9
"""Share of the area that the other parts must have: faces that share no edge are no parts."""


def detached_faces(corners: NDArray[np.float64], part: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which faces (F, 3, 3) of parts (F,) lie far from the object and are hardly any."""
    area = sums_by(part, areas(corners), int(part.max(initial=-1)) + 1)
    main = area >= DETACHED_SHARE * area.sum()
    if main.all() or area[main].sum() < MAIN_SHARE * area.sum():
        return np.zeros(len(corners), dtype=bool)
    low, high = boxes(corners, part)
    reach_m = DETACHED_DIAGONALS * np.linalg.norm((high - low)[area.argmax()])
    detached = ~main
    for box in np.flatnonzero(main):
        gap = np.maximum(np.maximum(low - high[box], low[box] - high), 0)
        detached &= np.linalg.norm(gap, axis=1) > reach_m
    return np.asarray(detached[part])
