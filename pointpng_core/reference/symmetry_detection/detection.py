"""Detection of the rotational symmetry of a complete surface by registering it onto itself.

1. The training-free embedding proposes rotations that may leave the surface unchanged.
2. The candidate axes are refined by ICP of the surface onto its rotated copy.
3. Each is verified by distances and normals of the rotated surface.
4. At most two axes are accepted, snapped to one point and to an angle that occurs in a rotation
   group: cyclic, dihedral, tetrahedral, octahedral, icosahedral, continuous with or without flips,
   or the sphere.

Only geometry counts, not colour. A false symmetry is worse than a missed one: a part that
protrudes by a few percent of the diameter, like a handle, breaks it. Orders above 8 are found as
multiples of lower ones.
"""

from collections.abc import Iterable
import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.clouds import centred
from pointpng_core.geometry.symmetry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.reference.symmetry_detection.axis_spectrum import (
    MIN_SEPARATION_COS,
    AxisSpectrum,
)
from pointpng_core.reference.symmetry_detection.self_registration import (
    TOLERANCE_DIAMETERS,
    SelfSurface,
)

MAX_POINTS = 6000
MIN_ENERGY_SHARE = 0.93
"""Share of the embedding's energy that a symmetry leaves unchanged, sampling noise allowed."""
POLES = {8: 1, 7: 1, 6: 1, 5: 2, 4: 2, 3: 2}
"""Orders that are searched, and how many axes of each: of 6 and more a group has at most one."""
MAX_ORDER = 48
CONTINUOUS_DEG = (12.0, 20.0, 33.0, 51.0, 74.0, 101.0)
FINAL_CONTINUOUS_DEG = 137.5
"""Angles that distinguish a continuous axis from a regular polygon; the last with more points."""
SPHERE_AXES = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
SPHERE_ANGLES_RAD = ((2.4, 0.6), (1.1, 2.0), (0.5, 0.3))
"""Angles about both of these axes, one rotation after the other."""
RIGHT_ANGLE_RAD = float(np.arccos(0.0))
CORNERS_RAD: dict[tuple[int, int], tuple[float, ...]] = {
    (4, 4): (RIGHT_ANGLE_RAD,), (4, 3): (np.arccos(3**-0.5),), (3, 3): (np.arccos(1 / 3),),
    (5, 5): (np.arctan(2.0),), (5, 3): (np.arctan(3 - 5**0.5), np.arctan(3 + 5**0.5))}
"""Angles between the axes of cube, tetrahedron and icosahedron, by their orders."""
SNAP_RAD = np.radians(4.0)


def discover_symmetry(points: NDArray[np.floating], normals: NDArray[np.floating], *,
                      diameter_m: float, spacing_m: float) -> Symmetry:
    """Return the symmetry of a complete surface, points and unit normals (N, 3), in its own frame.

    spacing_m: the median distance between neighbouring points. Normals may have either sign. A
    surface sampled more coarsely than the tolerance gets no symmetry. The result is
    deterministic.
    """
    chosen = np.random.default_rng(0).permutation(len(points))[:MAX_POINTS]
    spacing = spacing_m / diameter_m * np.sqrt(len(points) / len(chosen))
    if spacing > TOLERANCE_DIAMETERS:
        return Symmetry()
    local, centre = centred(points[chosen])
    cloud = local.astype(np.float64) / diameter_m
    surface = SelfSurface(cloud, normals[chosen].astype(np.float64), spacing=float(spacing))
    elements = _elements(surface, AxisSpectrum(cloud))
    return Symmetry(elements=tuple(
        Rotational.through(centre + diameter_m * np.array(element.point),
                           _upwards(np.array(element.axis)), order=element.order)
        for element in elements))


def _elements(surface: SelfSurface, spectrum: AxisSpectrum) -> tuple[Rotational, ...]:
    sphere = _sphere(surface, spectrum)
    if sphere:
        return sphere
    poles = _round_axes(surface, spectrum) or _poles(surface, spectrum)
    for first, second in itertools.combinations(poles, 2):
        pair = _snapped(first, second, CORNERS_RAD.get((first.order, second.order), ()))
        if pair and _leave_unchanged(surface, pair):
            return pair
    for pole in poles or _half_rotations(surface, spectrum):
        if _leave_unchanged(surface, (pole,)):
            return _with_flips(surface, spectrum, pole)
    return ()


def _sphere(surface: SelfSurface, spectrum: AxisSpectrum) -> tuple[Rotational, ...]:
    """Return two continuous axes if every rotation about a centre leaves the surface unchanged."""
    if spectrum.invariant_share(CONTINUOUS).min() < MIN_ENERGY_SHARE:
        return ()
    first, second = (surface.refined(axis, order=CONTINUOUS) for axis in SPHERE_AXES)
    if first is None or second is None:
        return ()
    centre = _common_point(first, second)
    axes = tuple(Rotational.through(centre, axis, order=CONTINUOUS) for axis in SPHERE_AXES)
    rotations = [axes[0].transform(first_rad) @ axes[1].transform(second_rad)
                 for first_rad, second_rad in SPHERE_ANGLES_RAD]
    unchanged = all(surface.unchanged_by(T, tolerance=TOLERANCE_DIAMETERS) for T in rotations)
    return axes if unchanged else ()


def _round_axes(surface: SelfSurface, spectrum: AxisSpectrum) -> list[Rotational]:
    """Return the axis about which every rotation leaves the surface unchanged, if any."""
    return _verified(surface, CONTINUOUS,
                     spectrum.peaks(CONTINUOUS, count=1, least=MIN_ENERGY_SHARE))


def _half_rotations(surface: SelfSurface, spectrum: AxisSpectrum) -> list[Rotational]:
    return _verified(surface, 2, spectrum.peaks(2, count=4, least=MIN_ENERGY_SHARE))


def _poles(surface: SelfSurface, spectrum: AxisSpectrum) -> list[Rotational]:
    """Return axes of order 3 and more that pass the quick check, highest orders first."""
    found: list[Rotational] = []
    for order, count in POLES.items():
        fresh = [axis for axis in spectrum.peaks(order, count=count, least=MIN_ENERGY_SHARE)
                 if all(abs(axis @ other.axis) < MIN_SEPARATION_COS for other in found)]
        found += [_raised_order(surface, pole) for pole in _verified(surface, order, fresh)]
    return sorted(found, key=lambda pole: -pole.order)


def _verified(surface: SelfSurface, order: int, candidates: Iterable[NDArray[np.float64]]
              ) -> list[Rotational]:
    """Return, refined, the candidate axes (3,) whose rotations leave the surface unchanged."""
    rough = [surface.refined(axis, order=order, rough=True) for axis in candidates]
    found = [axis for axis in rough if axis and _passes_quick_check(surface, axis)]
    return [surface.refined(np.array(axis.axis), order=order) or axis for axis in found]


def _raised_order(surface: SelfSurface, pole: Rotational) -> Rotational:
    """Return an axis with its order raised while a multiple also leaves the surface unchanged."""
    for factor in (2, 3):
        finer = dataclasses.replace(pole, order=factor * pole.order)
        if finer.order <= MAX_ORDER and _passes_quick_check(surface, finer):
            return _raised_order(surface, finer)
    return pole


def _with_flips(surface: SelfSurface, spectrum: AxisSpectrum, pole: Rotational
                ) -> tuple[Rotational, ...]:
    """Add a rotation by 180 degrees that reverses the axis, if it leaves the surface unchanged."""
    count = 1 if pole.order == CONTINUOUS else 2
    candidates = spectrum.peaks(2, count=count, least=MIN_ENERGY_SHARE, across=np.array(pole.axis))
    for flip in _verified(surface, 2, candidates):
        pair = _snapped(pole, flip, (RIGHT_ANGLE_RAD,))
        if pair and _leave_unchanged(surface, pair):
            return pair
    return (pole,)


def _leave_unchanged(surface: SelfSurface, elements: tuple[Rotational, ...]) -> bool:
    """Return whether a rotation of each element and their product leave the surface unchanged."""
    rotations = [element.transform(2 * np.pi / element.order if element.order else
                                   np.radians(FINAL_CONTINUOUS_DEG)) for element in elements]
    if len(rotations) > 1:
        rotations.append(rotations[0] @ rotations[1])
    tolerance = min(surface.tolerance(element) for element in elements)
    return all(surface.unchanged_by(T, tolerance=tolerance) for T in rotations)


def _passes_quick_check(surface: SelfSurface, axis: Rotational) -> bool:
    """Return whether all rotations about an axis, or several if continuous, pass a quick check.

    A single small rotation proves little: it hardly moves a surface that is nearly round.
    """
    angles = (np.arange(1, axis.order // 2 + 1) * 2 * np.pi / axis.order if axis.order
              else np.radians(CONTINUOUS_DEG))
    tolerance = surface.tolerance(axis)
    return all(surface.unchanged_by(axis.transform(angle), tolerance=tolerance, rough=True)
               for angle in angles)


def _snapped(first: Rotational, second: Rotational, angles_rad: tuple[float, ...]
         ) -> tuple[Rotational, Rotational] | None:
    """Return both axes through one point and at the nearest of some angles; None if far from all.

    Each axis is rotated by half of the difference; the point is the middle of the shortest line
    between them.
    """
    a, b = np.array(first.axis), np.array(second.axis)
    b = b if a @ b >= 0 else -b
    between = np.arccos(min(a @ b, 1.0))
    snapped = min(angles_rad, key=lambda angle: abs(angle - between), default=np.inf)
    if abs(snapped - between) > SNAP_RAD:
        return None
    middle, side = (a + b) / np.linalg.norm(a + b), (a - b) / np.linalg.norm(a - b)
    along, aside = middle * np.cos(snapped / 2), side * np.sin(snapped / 2)
    point = _common_point(first, second)
    return (Rotational.through(point, along + aside, order=first.order),
            Rotational.through(point, along - aside, order=second.order))


def _common_point(first: Rotational, second: Rotational) -> NDArray[np.float64]:
    """Return the point (3,) of least squared distance to both axes."""
    across = [np.eye(3) - np.outer(axis.axis, axis.axis) for axis in (first, second)]
    point: NDArray[np.float64] = np.linalg.solve(
        across[0] + across[1], across[0] @ first.point + across[1] @ second.point)
    return point


def _upwards(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same direction (3,) with its largest component positive, for readability."""
    upwards: NDArray[np.float64] = axis * np.sign(axis[np.abs(axis).argmax()]) + 0.0
    return upwards
