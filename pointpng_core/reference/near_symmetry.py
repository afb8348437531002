"""Rotations that leave most of a surface in place but not all: a mug turned about its axis.

A search confuses poses that differ by one of them, since few of its points tell them apart. Each
candidate rotation is registered onto the surface itself: the axis of a mug with a handle does not
pass through its centroid.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.geometry.clouds import spacing_m
from pointpng_core.reference.surface.kd_tree import SurfaceTree
from pointpng_core.reference.symmetry_detection.self_registration import SelfSurface

MOST_QUANTILE, MOST_DIAMETERS = 0.7, 0.015
"""A near symmetry moves this share of the surface by no more than this, along the normal."""
ALL_QUANTILE, ALL_DIAMETERS = 0.99, 0.03
"""A motion after which this share of the surface is as near as this is a true symmetry."""
REGISTERED_DEG = (20.0, 40.0, 60.0, 80.0, 90.0, 100.0, 120.0, 140.0, 160.0, 180.0)
ANGLES_DEG = tuple(np.arange(10.0, 181.0, 10.0).tolist())
"""Of rotations about each axis, in either direction: those that are registered to find the axis,
and all of them. A handle that is off by 5 degrees is still in reach of a refinement."""
LEAST_LARGEST_DEG = 30.0
"""Axes about which only smaller rotations leave the surface in place are none: refinement does."""
DISTINCT_RAD, DISTINCT_DIAMETERS = np.radians(8.0), 0.1
PARALLEL_COS = np.cos(np.radians(5.0))
SAMPLE, ICP_SAMPLE, ROUGH_SAMPLE = 2000, 300, 200
ICP_STEPS = 10
ROUGH_REACH, REACH = 0.1, 0.04
"""Largest distances of correspondences, in diameters: first for the axis to move to its place."""
HOPELESS_DIAMETERS, ROUGH_DIAMETERS = 0.1, 0.025
"""Median residual before the registration beyond which none is tried, and the one of most of few
points after which no near symmetry is expected."""
MOST = 40
NONE: NDArray[np.float64] = np.zeros((0, 4, 4))


def near_symmetries(points: NDArray[np.floating], normals: NDArray[np.floating],
                    centre: NDArray[np.floating], diameter_m: float, symmetry: Symmetry
                    ) -> NDArray[np.float64]:
    """Return at most MOST motions (K, 4, 4) that leave most of a surface in place, best first.

    points and unit normals of either sign (N, 3) of a complete surface, its centre (3,) and its
    true symmetry. The axes are those of inertia, of the frame, and of the symmetry. Motions that
    the symmetry makes equal appear once. The result is deterministic.
    """
    rows = np.random.default_rng(0).permutation(len(points))[:SAMPLE]
    cloud = (points[rows].astype(np.float64) - centre) / diameter_m
    surface = _TurnedSurface(cloud, normals[rows].astype(np.float64))
    found = [turn for axis in _axes(cloud, symmetry) for turn in surface.turns(axis)]
    motions = np.array([T for _, T in found]).reshape(-1, 4, 4)
    motions[:, :3, 3] = centre + diameter_m * motions[:, :3, 3] - motions[:, :3, :3] @ centre
    kept = distinct(motions, symmetry, centre=centre, diameter_m=diameter_m)
    residuals = np.array([residual for residual, _ in found])[kept]
    return motions[kept[np.argsort(residuals, kind='stable')[:MOST]]]


def distinct(motions: NDArray[np.float64], symmetry: Symmetry, *, centre: NDArray[np.floating],
             diameter_m: float) -> NDArray[np.int64]:
    """Return which of motions (K, 4, 4) differ from the identity and from those before them.

    What differs by a motion of the symmetry is the same.
    """
    known, kept = [np.eye(4)], []
    for row, motion in enumerate(motions):
        if not any(symmetry.same(other, motion, rotation_rad=DISTINCT_RAD, about=centre,
                                 shift_m=DISTINCT_DIAMETERS * diameter_m) for other in known):
            known.append(motion)
            kept.append(row)
    return np.array(kept, dtype=np.int64)


def fraction(T: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return the rotation (4, 4) by a share of the angle of another one, about its line."""
    rotvec = Rotation.from_matrix(T[:3, :3]).as_rotvec()
    line = Rotational.through(_fixed_point(T, rotvec), rotvec, order=0)
    motion: NDArray[np.float64] = line.transform(share * float(np.linalg.norm(rotvec)))
    return motion


class _TurnedSurface:
    """A surface (N, 3) in diameters about its centroid, in random order, with normals (N, 3)."""

    def __init__(self, points: NDArray[np.float64], normals: NDArray[np.float64]) -> None:
        self._points, self._tree = points, SurfaceTree(points)
        self._surface = SelfSurface(points, normals, spacing=spacing_m(points))

    def turns(self, axis: NDArray[np.float64]) -> list[tuple[float, NDArray[np.float64]]]:
        """Return the near symmetries (4, 4) about an axis (3,), and how far each moves most.

        The line about which the best of them turns comes first, with all angles: registrations
        pull a handle towards itself, and thus small angles to none. Those that were registered
        follow, which may also be shifted along their lines.
        """
        line, found = Rotational.through(np.zeros(3), axis, order=0), []
        for angle in np.radians(REGISTERED_DEG):
            T = self._registered(line.transform(angle))
            if T is not None and self._quantile(T, MOST_QUANTILE, ROUGH_SAMPLE) <= ROUGH_DIAMETERS:
                line = _line(T, line)
                found.append(T)
        turned = [line.transform(angle) for angle in np.radians(ANGLES_DEG)] if found else []
        near = [(residual, motion) for T in turned + found for motion in (T, np.linalg.inv(T))
                if (residual := self._near(motion)) is not None]
        largest = max((Rotation.from_matrix(T[:3, :3]).magnitude() for _, T in near), default=0.0)
        return near if largest > np.radians(LEAST_LARGEST_DEG) else []

    def _registered(self, T: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return a motion registered onto the surface, None where too little of it is near."""
        if self._quantile(T, 0.5, ROUGH_SAMPLE) > HOPELESS_DIAMETERS:
            return None
        for reach in (ROUGH_REACH, REACH):
            T = self._tree.align(self._points[:ICP_SAMPLE], T, diameter_m=1.0, steps=ICP_STEPS,
                                 reach_diameters=reach)
        return T

    def _near(self, T: NDArray[np.float64]) -> float | None:
        """Return how far a motion moves most of the surface, None for no near symmetry."""
        if self._quantile(T, MOST_QUANTILE, ROUGH_SAMPLE) > ROUGH_DIAMETERS:
            return None
        distances = self._surface.residuals(T, sample=SAMPLE)[0]
        most, whole = np.quantile(distances, (MOST_QUANTILE, ALL_QUANTILE))
        return float(most) if most <= MOST_DIAMETERS and whole > ALL_DIAMETERS else None

    def _quantile(self, T: NDArray[np.float64], quantile: float, sample: int) -> float:
        return float(np.quantile(self._surface.residuals(T, sample=sample)[0], quantile))


def _axes(cloud: NDArray[np.float64], symmetry: Symmetry) -> list[NDArray[np.float64]]:
    """Return unit vectors (3,), none parallel to another."""
    candidates: Sequence[NDArray[np.float64]] = [
        *(np.array(element.axis) for element in symmetry.elements),
        *np.eye(3), *np.linalg.eigh(cloud.T @ cloud)[1].T]
    kept: list[NDArray[np.float64]] = []
    for axis in candidates:
        if all(abs(axis @ other) < PARALLEL_COS for other in kept):
            kept.append(axis)
    return kept


def _line(T: NDArray[np.float64], known: Rotational) -> Rotational:
    """Return the line about which a motion turns, in the direction of a known one."""
    rotvec = Rotation.from_matrix(T[:3, :3]).as_rotvec()
    if not np.linalg.norm(rotvec) > np.radians(REGISTERED_DEG[0]) / 2 or rotvec @ known.axis <= 0:
        return known
    return Rotational.through(_fixed_point(T, rotvec), rotvec, order=0)


def _fixed_point(T: NDArray[np.float64], rotvec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the point (3,) nearest to the origin on the line about which a motion turns."""
    across = T[:3, 3] - rotvec * (rotvec @ T[:3, 3]) / (rotvec @ rotvec)
    return np.asarray(np.linalg.lstsq(np.eye(3) - T[:3, :3], across, rcond=1e-6)[0])
