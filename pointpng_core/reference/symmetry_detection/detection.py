"""The rotational symmetry of a whole surface, found by laying it upon itself.

1. The training-free embedding tells for every axis which turns could leave the surface alike.
2. The likely axes are refined by ICP of the surface onto its turned self.
3. Each is verified by distances and normals of the moved surface.
4. At most two axes are kept, snapped to an angle that a rotation group has and to one point:
   cyclic, dihedral, tetrahedral, octahedral, icosahedral, continuous with or without flips, or
   the sphere.

Only geometry counts, not colour. Rather miss a weak symmetry than invent one: what stands out by
a few percent of the diameter, like a handle, breaks it. Orders above 8 are found as multiples
of lower ones.
"""

from collections.abc import Iterable
import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.clouds import centred
from pointpng_core.geometry.symmetry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.reference.symmetry_detection.axis_spectrum import APART_COS, AxisSpectrum
from pointpng_core.reference.symmetry_detection.self_registration import (
    TOLERANCE_DIAMETERS,
    SelfSurface,
)

MOST_POINTS = 6000
LIKELY = 0.93
"""Share of the embedding's energy that a symmetry keeps even with the noise of sampling."""
POLES = {8: 1, 7: 1, 6: 1, 5: 2, 4: 2, 3: 2}
"""Orders sought, and how many axes: of order 6 or more there is one at most."""
MOST_ORDER = 48
ROUND_DEG = (12.0, 20.0, 33.0, 51.0, 74.0, 101.0)
WHOLE_TURN_DEG = 137.5
"""Turns by which a continuous axis is told from a regular polygon; the last with more points."""
BALL_AXES = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
BALL_TURNS = ((2.4, 0.6), (1.1, 2.0), (0.5, 0.3))
"""Angles (radians) about both of these axes."""
UPRIGHT = float(np.arccos(0.0))
CORNERS_RAD: dict[tuple[int, int], tuple[float, ...]] = {
    (4, 4): (UPRIGHT,), (4, 3): (np.arccos(3**-0.5),), (3, 3): (np.arccos(1 / 3),),
    (5, 5): (np.arctan(2.0),), (5, 3): (np.arctan(3 - 5**0.5), np.arctan(3 + 5**0.5))}
"""Angles between the axes of cube, tetrahedron and icosahedron, by their orders."""
SNAP_RAD = np.radians(4.0)


def discover_symmetry(points: NDArray[np.floating], normals: NDArray[np.floating], *,
                      diameter_m: float, spacing_m: float) -> Symmetry:
    """Return the symmetry of a whole surface, points and unit normals (N, 3), in its own frame.

    spacing_m: the usual distance of neighbouring points. Normals may have either sign. A surface
    sampled more coarsely than the tolerance gets none. The same input gives the same answer.
    """
    chosen = np.random.default_rng(0).permutation(len(points))[:MOST_POINTS]
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
    ball = _ball(surface, spectrum)
    if ball:
        return ball
    poles = _round_axes(surface, spectrum) or _poles(surface, spectrum)
    for first, second in itertools.combinations(poles, 2):
        pair = _met(first, second, CORNERS_RAD.get((first.order, second.order), ()))
        if pair and _keep(surface, pair):
            return pair
    for pole in poles or _half_turns(surface, spectrum):
        if _keep(surface, (pole,)):
            return _with_flips(surface, spectrum, pole)
    return ()


def _ball(surface: SelfSurface, spectrum: AxisSpectrum) -> tuple[Rotational, ...]:
    """Return two continuous axes if every turn about a centre leaves the surface alike."""
    if spectrum.kept(CONTINUOUS).min() < LIKELY:
        return ()
    first, second = (surface.refined(axis, order=CONTINUOUS) for axis in BALL_AXES)
    if first is None or second is None:
        return ()
    centre = _between(first, second)
    axes = tuple(Rotational.through(centre, axis, order=CONTINUOUS) for axis in BALL_AXES)
    turns = [axes[0].turn(angle) @ axes[1].turn(other) for angle, other in BALL_TURNS]
    kept = all(surface.keeps(T, tolerance=TOLERANCE_DIAMETERS) for T in turns)
    return axes if kept else ()


def _round_axes(surface: SelfSurface, spectrum: AxisSpectrum) -> list[Rotational]:
    """Return the axis about which every turn leaves the surface alike, if there is one."""
    return _verified(surface, CONTINUOUS, spectrum.peaks(CONTINUOUS, count=1, least=LIKELY))


def _half_turns(surface: SelfSurface, spectrum: AxisSpectrum) -> list[Rotational]:
    return _verified(surface, 2, spectrum.peaks(2, count=4, least=LIKELY))


def _poles(surface: SelfSurface, spectrum: AxisSpectrum) -> list[Rotational]:
    """Return axes of order 3 and more, roughly verified, highest orders first."""
    found: list[Rotational] = []
    for order, count in POLES.items():
        fresh = [axis for axis in spectrum.peaks(order, count=count, least=LIKELY)
                 if all(abs(axis @ other.axis) < APART_COS for other in found)]
        found += [_multiplied(surface, pole) for pole in _verified(surface, order, fresh)]
    return sorted(found, key=lambda pole: -pole.order)


def _verified(surface: SelfSurface, order: int, likely: Iterable[NDArray[np.float64]]
              ) -> list[Rotational]:
    """Return the refined ones of likely axes (3,) whose turns leave the surface alike."""
    rough = [surface.refined(axis, order=order, rough=True) for axis in likely]
    found = [axis for axis in rough if axis and _turns_roughly(surface, axis)]
    return [surface.refined(np.array(axis.axis), order=order) or axis for axis in found]


def _multiplied(surface: SelfSurface, pole: Rotational) -> Rotational:
    """Raise the order of an axis while a multiple of it leaves the surface alike too."""
    for factor in (2, 3):
        finer = dataclasses.replace(pole, order=factor * pole.order)
        if finer.order <= MOST_ORDER and _turns_roughly(surface, finer):
            return _multiplied(surface, finer)
    return pole


def _with_flips(surface: SelfSurface, spectrum: AxisSpectrum, pole: Rotational
                ) -> tuple[Rotational, ...]:
    """Add the half turns across an axis that swap its ends, where they leave the surface alike."""
    count = 1 if pole.order == CONTINUOUS else 2
    likely = spectrum.peaks(2, count=count, least=LIKELY, across=np.array(pole.axis))
    for flip in _verified(surface, 2, likely):
        pair = _met(pole, flip, (UPRIGHT,))
        if pair and _keep(surface, pair):
            return pair
    return (pole,)


def _keep(surface: SelfSurface, elements: tuple[Rotational, ...]) -> bool:
    """Tell whether a turn about each element, and one after the other, leave the surface alike."""
    turns = [element.turn(2 * np.pi / element.order if element.order else
                          np.radians(WHOLE_TURN_DEG)) for element in elements]
    if len(turns) > 1:
        turns.append(turns[0] @ turns[1])
    tolerance = min(surface.tolerance(element) for element in elements)
    return all(surface.keeps(T, tolerance=tolerance) for T in turns)


def _turns_roughly(surface: SelfSurface, axis: Rotational) -> bool:
    """Tell whether all turns about an axis, or several if continuous, pass a quick check.

    One small turn alone proves little: it hardly moves what is nearly round.
    """
    angles = (np.arange(1, axis.order // 2 + 1) * 2 * np.pi / axis.order if axis.order
              else np.radians(ROUND_DEG))
    tolerance = surface.tolerance(axis)
    return all(surface.keeps(axis.turn(angle), tolerance=tolerance, rough=True)
               for angle in angles)


def _met(first: Rotational, second: Rotational, angles_rad: tuple[float, ...]
         ) -> tuple[Rotational, Rotational] | None:
    """Return both axes at the nearest of some angles and through one point; None if far off.

    Each gives way by half; the point is the middle of the shortest line between them.
    """
    a, b = np.array(first.axis), np.array(second.axis)
    b = b if a @ b >= 0 else -b
    between = np.arccos(min(a @ b, 1.0))
    snapped = min(angles_rad, key=lambda angle: abs(angle - between), default=np.inf)
    if abs(snapped - between) > SNAP_RAD:
        return None
    middle, side = (a + b) / np.linalg.norm(a + b), (a - b) / np.linalg.norm(a - b)
    along, aside = middle * np.cos(snapped / 2), side * np.sin(snapped / 2)
    point = _between(first, second)
    return (Rotational.through(point, along + aside, order=first.order),
            Rotational.through(point, along - aside, order=second.order))


def _between(first: Rotational, second: Rotational) -> NDArray[np.float64]:
    """Return the point (3,) of least squared distance to both axes."""
    across = [np.eye(3) - np.outer(axis.axis, axis.axis) for axis in (first, second)]
    point: NDArray[np.float64] = np.linalg.solve(
        across[0] + across[1], across[0] @ first.point + across[1] @ second.point)
    return point


def _upwards(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same line (3,) with its largest component positive, for those who read it."""
    upwards: NDArray[np.float64] = axis * np.sign(axis[np.abs(axis).argmax()]) + 0.0
    return upwards
