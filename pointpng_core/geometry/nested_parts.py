"""Which closed parts of a surface are inside out: a cavity faces inward rightly, others do not."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.closed_surfaces import boxes

MOST_PARTS = 1000
"""Closed parts, the largest, of which it is looked up whether they lie in others."""
PLACES = 24
"""Places of a part that are looked up; parts that stick in others have some outside of them."""
MOST_LOOKUPS = 100_000_000
"""Places times triangles around them, of all parts: they take about four seconds."""
INSIDE_SHARE = 0.9
"""Share of the places from which on a part is in others: its edge may touch their surface."""
BLOCK = 8192
"""Triangles whose solid angles are computed at once: 15 times as fast as a million of them."""


def inside_out(corners: NDArray[np.float64], part: NDArray[np.intp], closed: NDArray[np.intp],
               volume: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which of the closed parts must be turned to face outward.

    `corners` (F, 3, 3) are those of the faces of all parts, `part` (F,) is that of each, and
    `volume` (parts,) has a sign. The largest part decides whether all are inside out; of the
    others, those that face inward are turned unless they lie in others. What is not looked up
    counts as within others: small parts of many are not worth it.
    """
    if not len(closed):
        return closed
    low, high = boxes(corners, part)
    size = (high - low).prod(axis=1)
    large = closed[np.argsort(-size[closed], kind='stable')[:MOST_PARTS]]
    sign = -1.0 if volume[large[0]] < 0 else 1.0
    order, ends = np.argsort(part, kind='stable'), np.cumsum(np.bincount(part))
    rows = [order[ends[at - 1] if at else 0:ends[at]] for at in large]
    inward = sign * volume[large] < 0
    alone = _alone(corners, rows, inward, (low[large], high[large]))
    return large[alone] if sign > 0 else np.setdiff1d(closed, large[alone])


def _alone(corners: NDArray[np.float64], rows: list[NDArray[np.intp]], asked: NDArray[np.bool_],
           box: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Return which of the parts that are asked for, with faces `rows`, do not lie in others.

    `box` holds the lowest and highest coordinates (n, 3) of all these parts, the largest first.
    """
    low, high = box
    faces, alone, left = np.array([*map(len, rows)]), np.zeros(len(rows), bool), MOST_LOOKUPS
    for row in np.flatnonzero(asked):
        around = (low[row] >= low).all(axis=1) & (high[row] <= high).all(axis=1)
        alone[row] = not around[:row].any()
        # Those whose boxes overlap are looked at too: there may be a cavity around half of it.
        others = (low[row] <= high).all(axis=1) & (high[row] >= low).all(axis=1)
        others[row] = False
        lookups = PLACES * int(faces[others].sum())
        if not alone[row] and lookups <= left:
            left -= lookups
            near = np.concatenate([rows[at] for at in np.flatnonzero(others)])
            alone[row] = not _is_within(corners[rows[row]], corners[near])
    return alone


def _is_within(triangles: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    """Return whether the surface of triangles (F, 3, 3) is on the inside of that of others."""
    at = np.linspace(0, len(triangles) - 1, PLACES).round().astype(int)
    winding = winding_numbers(others, triangles[at].mean(axis=1))
    return bool(np.mean(np.abs(winding) > 0.5) >= INSIDE_SHARE)


def winding_numbers(triangles: NDArray[np.float64], places: NDArray[np.float64]
                    ) -> NDArray[np.float64]:
    """Return how often triangles (F, 3, 3) are around places (P, 3).

    By the solid angles of Van Oosterom and Strackee, IEEE Trans. Biomed. Eng. 30(2), 1983.
    """
    around = np.zeros(len(places))
    for start in range(0, len(triangles), BLOCK):
        corners = np.ascontiguousarray(triangles[start:start + BLOCK].transpose(1, 2, 0))
        for index, place in enumerate(places):
            around[index] += _solid_angle(corners - place[:, None])
    return around / (4 * np.pi)


def _solid_angle(corners: NDArray[np.float64]) -> float:
    """Return the solid angle of triangles (corner, axis, F) as seen from the origin."""
    a, b, c = corners
    la, lb, lc = np.sqrt((corners * corners).sum(axis=1))
    above = (a * (b[[1, 2, 0]] * c[[2, 0, 1]] - b[[2, 0, 1]] * c[[1, 2, 0]])).sum(axis=0)
    below = la * lb * lc + (a * b).sum(axis=0) * lc + (b * c).sum(axis=0) * la \
        + (c * a).sum(axis=0) * lb
    return float(2 * np.arctan2(above, below).sum())
