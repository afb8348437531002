"""Where two parts of a surface meet, and what the crease between them looks like."""

from dataclasses import dataclass

import numpy as np

from pointpng_core.scene.surface import Surface

_UPWARD = 0.6
_LESS_UPWARD = 0.2


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The table as voxels see it: up (3,) unit normal, heights (V,) in metres above it."""

    up: np.ndarray
    heights_m: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Contact:
    """The line along which two parts meet.

    parts: their labels, ascending; length_m: extent along the line; height_m: its mean height
    above the table; bend_rad: how sharply concave it is (median); upward: how far each part's
    surface next to the line faces up, as the mean cosine with the table's normal.
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


def find_contacts(surface: Surface, centroids: np.ndarray, labels: np.ndarray, ground: Ground,
                  *, link_m: float) -> list[Contact]:
    """List the contacts between parts `labels` (V,) of the voxels `centroids` (V, 3).

    Parts touch where voxels of theirs are closer than `link_m`; label -1 belongs to no part.
    """
    sides, rows = _crossing_pairs(surface, labels)
    if len(rows) == 0:
        return []
    near = surface.distances_m[rows] < link_m
    keys = labels[sides[:, 0]] * (labels.max() + 1) + labels[sides[:, 1]]
    facing = surface.normals @ ground.up
    return [_contact(sides[keys == key], near[keys == key], surface, centroids, labels, facing,
                     ground)
            for key in np.unique(keys[near])]


def _crossing_pairs(surface: Surface, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (C, 2) of voxels in different parts, lower label first, and their rows (C,)."""
    first, second = labels[surface.pairs[:, 0]], labels[surface.pairs[:, 1]]
    rows = np.flatnonzero((first != second) & (first >= 0) & (second >= 0))
    sides = surface.pairs[rows]
    swapped = first[rows] > second[rows]
    sides[swapped] = sides[swapped, ::-1]
    return sides, rows


def _contact(sides: np.ndarray, near: np.ndarray, surface: Surface, centroids: np.ndarray,
             labels: np.ndarray, facing: np.ndarray, ground: Ground) -> Contact:
    line = sides[near]
    middles = centroids[line].mean(axis=1)
    bends = surface.bend_rad[line].max(axis=1)
    return Contact(
        parts=(int(labels[sides[0, 0]]), int(labels[sides[0, 1]])),
        length_m=_length(middles),
        height_m=float(ground.heights_m[line].mean()),
        bend_rad=float(np.median(bends)),
        upward=(float(facing[np.unique(sides[:, 0])].mean()),
                float(facing[np.unique(sides[:, 1])].mean())),
    )


def _length(points: np.ndarray) -> float:
    """Extent of points (N, 3) along their main axis: a uniform line of length L has L^2 / 12."""
    centred = points - points.mean(axis=0)
    variance = np.linalg.eigvalsh(centred.T @ centred / len(points))[-1]
    return float(np.sqrt(12.0 * max(variance, 0.0)))
