"""Contacts: where two parts of a surface meet, and the shape of the crease between them."""

from dataclasses import dataclass

import numpy as np

from pointpng_core.segmentation.local_shape import Surface

_UPWARD = 0.6
"""Least mean cosine with the table's normal of a top face that another part stands on."""
_LESS_UPWARD = 0.2
"""Least difference to the mean cosine of the part that stands on it."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The support under each of the V voxels.

    `up` (V, 3) is its unit normal, `heights_m` (V,) the height above it, and `outside_m` (V,) the
    distance from its outline, negative inside. Without a support they are 0, inf and -inf.
    """

    up: np.ndarray
    heights_m: np.ndarray
    outside_m: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Contact:
    """The line along which two parts meet.

    `parts` are their labels, ascending; `length_m` is the extent along the line and `height_m` its
    mean height above the table. `bend_rad` is how much more concave the line is than the two parts
    are themselves (cylinders that touch are convex up to the crease, a bowl is concave
    everywhere). `upward` is, for each part, the mean cosine between the table's normal and the
    normals next to the line.
    """

    parts: tuple[int, int]
    length_m: float
    height_m: float
    bend_rad: float
    upward: tuple[float, float]

    @property
    def upper(self) -> int | None:
        """Return the part that rises from the other's top face; None if they are side by side."""
        first, second = self.upward
        if max(first, second) < _UPWARD or abs(first - second) < _LESS_UPWARD:
            return None
        return self.parts[0] if first < second else self.parts[1]


def find_contacts(surface: Surface, labels: np.ndarray, ground: Ground) -> list[Contact]:
    """Return the contacts between the parts `labels` (V,), where their voxels are linked."""
    sides = labels[surface.pairs]
    rows = np.flatnonzero(sides[:, 0] != sides[:, 1])
    pairs, sides, linked = surface.pairs[rows], sides[rows], surface.linked[rows]
    swapped = sides[:, 0] > sides[:, 1]
    pairs[swapped] = pairs[swapped, ::-1]
    keys = sides.min(axis=1) * (labels.max(initial=0) + 1) + sides.max(axis=1)
    touching = [keys == key for key in np.unique(keys[linked])]
    return [_contact(pairs[mask], pairs[mask & linked], surface, labels, ground)
            for mask in touching]


def _contact(pairs: np.ndarray, links: np.ndarray, surface: Surface, labels: np.ndarray,
             ground: Ground) -> Contact:
    """Return the contact of the `pairs` (E, 2) within the crease radius and their `links`."""
    parts = (int(labels[pairs[0, 0]]), int(labels[pairs[0, 1]]))
    own_bends = [np.median(surface.bend_rad[labels == part]) for part in parts]
    first, second = (np.einsum('vi,vi->v', surface.normals[rows], ground.up[rows])
                     for rows in map(np.unique, pairs.T))
    return Contact(
        parts=parts,
        length_m=_length(surface.centroids[links].mean(axis=1)),
        height_m=float(ground.heights_m[links].mean()),
        bend_rad=float(np.median(surface.bend_rad[links].max(axis=1)) - np.mean(own_bends)),
        upward=(float(first.mean()), float(second.mean())),
    )


def _length(points: np.ndarray) -> float:
    """Return the extent of points (N, 3) along their main axis.

    The variance of a uniform line of length L is L^2 / 12.
    """
    centred = points - points.mean(axis=0)
    variance = np.linalg.eigvalsh(centred.T @ centred / len(points))[-1]
    return float(np.sqrt(12.0 * max(variance, 0.0)))
