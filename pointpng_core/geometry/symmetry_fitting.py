"""The group of rotations nearest to motions that people measured or typed.

Motions that a file calls symmetries are rounded, and often not all of a group are listed. Here
they are completed to a group, whose rotations are then made exact by averaging.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.geometry.symmetry import CONTINUOUS, MAX_ORDER, Rotational, Symmetry

Motions = NDArray[np.float64]

SAME_ANGLE_RAD = math.radians(3.0)
"""Motions this near are one. Symmetries that are each off by a degree still form a group, since
products of two of them are compared with a third; rotations of order 60 are 6 degrees apart."""
SAME_PLACE = 0.05
"""Share of the object's size by which the axes of a group may miss their common point."""
_AVERAGINGS = 20
_MAX_MOTIONS = 2 * MAX_ORDER


@dataclass(frozen=True, kw_only=True)
class FittedSymmetry:
    """A group, and sentences about motions that it does not contain or that were added."""

    symmetry: Symmetry
    notes: tuple[str, ...] = ()


def fit_symmetry(discrete: Motions, continuous: Sequence[Rotational], *, size_m: float,
                 ) -> FittedSymmetry:
    """Return the group of motions (D, 4, 4) and continuous axes of an object of a size.

    A motion that belongs to no group of rotations, such as a reflection, is left out, with a note.
    """
    notes: list[str] = []
    kept = [T for T in discrete if _usable(T, size_m, notes)]
    if continuous:
        return _with_axes(kept, continuous, size_m, notes)
    return _finite(kept, size_m, notes)


def _usable(T: NDArray[np.float64], size_m: float, notes: list[str]) -> bool:
    """Return whether a motion is a rotation about an axis near the object."""
    if np.linalg.det(T[:3, :3]) < 0:
        notes.append('a reflection is no motion of a rigid object: left out')
        return False
    rotation = Rotation.from_matrix(T[:3, :3])
    axis = rotation.as_rotvec() / max(rotation.magnitude(), 1e-12)
    slid_m = float(np.linalg.norm(T[:3, 3]) if rotation.magnitude() < SAME_ANGLE_RAD
                   else abs(axis @ T[:3, 3]))
    if slid_m > SAME_PLACE * size_m:
        notes.append(f'a motion shifts the object by {1e3 * slid_m:.3g} mm along its axis, which '
                     'no symmetry does: left out')
        return False
    return True


def _with_axes(motions: list[NDArray[np.float64]], axes: Sequence[Rotational], size_m: float,
               notes: list[str]) -> FittedSymmetry:
    first = axes[0]
    elements = [first]
    direction = np.array(first.axis)
    for other in axes[1:]:
        if abs(direction @ other.axis) < math.cos(SAME_ANGLE_RAD):  # a second one: a sphere
            elements.append(Rotational.through(first.point, other.axis, order=CONTINUOUS))
            return FittedSymmetry(symmetry=Symmetry(elements=tuple(elements)), notes=tuple(notes))
    flips = [height for height in (_flip_height(T, first, size_m, notes) for T in motions)
             if height is not None]
    if flips:
        side = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
        middle = np.array(first.point) + direction * (
            float(np.mean(flips)) - float(direction @ first.point))
        elements.append(Rotational.through(middle, side, order=2))
    return FittedSymmetry(symmetry=Symmetry(elements=tuple(elements)), notes=tuple(notes))


def _flip_height(T: NDArray[np.float64], axis: Rotational, size_m: float, notes: list[str],
                 ) -> float | None:
    """Return where along a continuous axis a motion reverses it; None if it does not."""
    direction, point = np.array(axis.axis), np.array(axis.point)
    turned, moved = T[:3, :3] @ direction, T[:3, :3] @ point + T[:3, 3]
    beside_m = np.linalg.norm(np.cross(moved - point, direction))
    if abs(direction @ turned) < math.cos(SAME_ANGLE_RAD) or beside_m > SAME_PLACE * size_m:
        notes.append('a motion does not keep the continuous axis in its place: left out')
        return None
    return float(direction @ (point + moved)) / 2 if direction @ turned < 0 else None


def _finite(motions: list[NDArray[np.float64]], size_m: float, notes: list[str],
            ) -> FittedSymmetry:
    """Return the group of all motions, else of as many as form one, in their order."""
    group, kept = _group(motions, size_m), motions
    if group is None:
        group, kept = _group([], size_m), []
        for T in motions:
            larger = _group([*kept, T], size_m)
            if larger is None:
                angle_rad = Rotation.from_matrix(T[:3, :3]).magnitude()
                notes.append(f'a rotation by {math.degrees(angle_rad):.4g} degrees forms no '
                             'finite group with the others: left out')
            else:
                group, kept = larger, [*kept, T]
    assert group is not None  # the identity alone is one
    rotations, centre = group
    given = 1 + sum(_index(np.eye(3)[None], T[:3, :3]) is None for T in kept)
    if len(rotations) > given:
        notes.append(f'{given - 1} of the {len(rotations) - 1} motions of the group are given; '
                     'the others follow from them')
    return FittedSymmetry(symmetry=_as_symmetry(rotations, centre), notes=tuple(notes))


def _group(motions: list[NDArray[np.float64]], size_m: float,
           ) -> tuple[Motions, NDArray[np.float64]] | None:
    """Return the exact rotations (S, 3, 3) and the centre (3,) of a group; None if it is none."""
    rotations = _closed([T[:3, :3] for T in motions])
    if rotations is None:
        return None
    left = [np.eye(3) - T[:3, :3] for T in motions] or [np.zeros((3, 3))]
    right = [T[:3, 3] for T in motions] or [np.zeros(3)]
    # Small singular values are those of the axis of a cyclic group, along which nothing is known.
    centre = np.linalg.lstsq(np.concatenate(left), np.concatenate(right), rcond=0.03)[0]
    missed_m = np.linalg.norm(np.stack(left) @ centre - np.stack(right), axis=1).max()
    if missed_m > SAME_PLACE * size_m:
        return None
    return _averaged(rotations), centre


def _closed(generators: list[NDArray[np.float64]]) -> Motions | None:
    """Return the group (S, 3, 3) of rotations, identity first; None if it has too many."""
    members = [np.eye(3)]
    for R in generators:
        if _index(np.stack(members), R) is None:
            members.append(R)
    done = 0
    while done < len(members) <= _MAX_MOTIONS:
        for R in generators:
            product = members[done] @ R
            if _index(np.stack(members), product) is None:
                members.append(product)
        done += 1
    return np.stack(members) if len(members) <= _MAX_MOTIONS else None


def _index(rotations: Motions, R: NDArray[np.float64]) -> int | None:
    """Return which of rotations (S, 3, 3) is the same as one (3, 3)."""
    cosines = (np.einsum('sij,ij->s', rotations, R) - 1) / 2
    best = int(cosines.argmax())
    return best if cosines[best] > math.cos(SAME_ANGLE_RAD) else None


def _averaged(rotations: Motions) -> Motions:
    """Return the exact group (S, 3, 3) near rotations that form one but for rounding.

    R(g) becomes the mean of R(gh) R(h)^T over all h, projected to a rotation, until nothing
    changes (Grove, Karcher and Ruh, Group actions and curvature, 1974).
    """
    table = _products(rotations)
    for _ in range(_AVERAGINGS):
        means = np.einsum('ghij,hkj->gik', rotations[table], rotations)
        left, _, right = np.linalg.svd(means)
        rotations = left @ right
    return rotations


def _products(rotations: Motions) -> NDArray[np.intp]:
    """Return the index (S, S) of each product of two rotations (S, 3, 3) of a group."""
    products = np.einsum('gij,hjk->ghik', rotations, rotations)
    cosines = np.einsum('ghij,sij->ghs', products, rotations)
    return np.asarray(cosines.argmax(axis=-1))


def _as_symmetry(rotations: Motions, centre: NDArray[np.float64]) -> Symmetry:
    """Return few axes that generate a group (S, 3, 3) of exact rotations."""
    vectors = Rotation.from_matrix(rotations[1:]).as_rotvec()
    table = _products(rotations)
    found = sorted(((_order(table, g), _neat(v)) for g, v in enumerate(vectors, start=1)),
                   key=lambda pair: (-pair[0], [-abs(x) for x in pair[1][::-1]]))
    elements: tuple[Rotational, ...] = ()
    size = 1
    for order, axis in found:
        if size == len(rotations):
            break
        more = (*elements, Rotational.through(centre, axis, order=order))
        grown = len(Symmetry(elements=more).transforms())
        if grown > size:
            elements, size = more, grown
    return Symmetry(elements=elements)


def _order(table: NDArray[np.intp], g: int) -> int:
    """Return the least power of an element that is the identity, which is the first one."""
    power, order = g, 1
    while power != 0:
        power, order = int(table[power, g]), order + 1
    return order


def _neat(vector: NDArray[np.float64]) -> list[float]:
    """Return a unit vector along a vector, its largest component positive, rounding removed."""
    unit = vector / np.linalg.norm(vector)
    unit[np.abs(unit) < 1e-9] = 0.0
    positive: list[float] = (unit * np.sign(unit[np.abs(unit).argmax()])).tolist()
    return positive
