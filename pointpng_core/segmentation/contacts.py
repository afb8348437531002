"""Where two parts of a surface meet, and what the crease between them looks like."""

from dataclasses import dataclass

import numpy as np

from pointpng_core.segmentation.local_shape import Surface

_UPWARD = 0.6
_LESS_UPWARD = 0.2


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The table as voxels see it: up (3,) unit normal, heights (V,) in metres above it.

    Without a table up is 0 and the heights are inf.
    """

    up: np.ndarray
    heights_m: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Contact:
    """The line along which two parts meet.

    parts: their labels, ascending; length_m: extent along the line; height_m: its mean height
    above the table; bend_rad: how much more concave it is than the two parts are by themselves
    (cylinders that touch are convex up to the crease, a bowl is concave everywhere); upward: how
    far each part's surface next to the line faces up, as mean cosine with the table's normal.
    """

    parts: tuple[int, int]
    length_m: float
    height_m: float
    bend_rad: float
    upward: tuple[float, float]

    @property
    def upper(self) -> int | None:
        """The part that rises from the other's top face; None when they meet side by side."""
        first, second = self.upward
        if max(first, second) < _UPWARD or abs(first - second) < _LESS_UPWARD:
            return None
        return self.parts[0] if first < second else self.parts[1]


def find_contacts(surface: Surface, labels: np.ndarray, ground: Ground) -> list[Contact]:
    """List the contacts between the parts `labels` (V,): where voxels of theirs are linked."""
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
    """Describe a contact by its pairs (E, 2) within the crease radius and the links among them."""
    parts = (int(labels[pairs[0, 0]]), int(labels[pairs[0, 1]]))
    own_bends = [np.median(surface.bend_rad[labels == part]) for part in parts]
    first, second = (surface.normals[np.unique(side)] @ ground.up for side in pairs.T)
    return Contact(
        parts=parts,
        length_m=_length(surface.centroids[links].mean(axis=1)),
        height_m=float(ground.heights_m[links].mean()),
        bend_rad=float(np.median(surface.bend_rad[links].max(axis=1)) - np.mean(own_bends)),
        upward=(float(first.mean()), float(second.mean())),
    )


def _length(points: np.ndarray) -> float:
    """Extent of points (N, 3) along their main axis: a uniform line of length L has L^2 / 12."""
    centred = points - points.mean(axis=0)
    variance = np.linalg.eigvalsh(centred.T @ centred / len(points))[-1]
    return float(np.sqrt(12.0 * max(variance, 0.0)))
