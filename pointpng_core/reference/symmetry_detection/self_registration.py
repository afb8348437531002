"""A surface laid upon itself: how far a turn carries it off, and the axis that fits it best.

All lengths are in diameters of the object, about the centroid of its points.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from pointpng_core.geometry.symmetry import Rotational
from pointpng_core.reference.surface.kd_tree import SurfaceTree

TOLERANCE_DIAMETERS = 0.025
"""What scans of cans and boxes deviate from their symmetry; also the finest that is judged."""
TOLERANCE_RADII = 0.3
"""The same against the object's radius about the axis: a pencil is not round, however thin."""
TOLERANCE_RAD = np.radians(22.0)
"""Turn of the normals between a surface and its moved self, for all but a tenth of the points."""
OFF_QUANTILE = 0.998
"""Of the points, so many must lie within the tolerance: a bump on 1/500 of the surface counts."""
ROUGH_OFF_QUANTILE = 0.99
TURNED_QUANTILE = 0.9
NEIGHBOURS = 5
LATERAL_SPACINGS = 3.0
"""How far apart along the surface neighbours of a sample may lie without there being a hole."""
SAMPLE, ROUGH_SAMPLE = 4000, 800
POLISH_SAMPLE, ROUGH_POLISH_SAMPLE = 1500, 400
POLISH_AXIS_COS = np.cos(np.radians(15.0))
POLISH_TURN_RAD = np.radians(15.0)
POLISH_OFFSET = 0.15
"""How far polishing may move an axis, its angle, and the axis off the centroid."""


class SelfSurface:
    """Points (N, 3) in random order, with unit normals (N, 3) of either sign."""

    def __init__(self, points: NDArray[np.float64], normals: NDArray[np.float64], *,
                 spacing: float) -> None:
        self._points, self._normals, self._spacing = points, normals, spacing
        self._nearest, self._surface = cKDTree(points), SurfaceTree(points)

    def refined(self, axis: NDArray[np.float64], *, order: int, rough: bool = False
                 ) -> Rotational | None:
        """Return the axis near a direction (3,) about which the surface meets itself, if any.

        Found by ICP from the largest turn of that order (a half turn for a continuous axis), for
        there the axis is fixed best. None when ICP leads elsewhere. `rough`: with fewer points.
        """
        angle = 2 * np.pi / order * (order // 2) if order else np.pi
        start = Rotational.through(np.zeros(3), axis, order=order).turn(angle)
        sample = self._points[:ROUGH_POLISH_SAMPLE if rough else POLISH_SAMPLE]
        T = self._surface.align(sample, start, diameter_m=1.0)
        rotvec = Rotation.from_matrix(T[:3, :3]).as_rotvec()
        turned = float(np.linalg.norm(rotvec))
        if abs(turned - angle) > POLISH_TURN_RAD or abs(rotvec @ axis) < POLISH_AXIS_COS * turned:
            return None
        unit = rotvec * np.sign(rotvec @ axis) / turned
        across = T[:3, 3] - unit * (unit @ T[:3, 3])
        point = np.linalg.lstsq(np.eye(3) - T[:3, :3], across, rcond=1e-6)[0]
        if np.linalg.norm(point) > POLISH_OFFSET:
            return None
        return Rotational.through(point, unit, order=order)

    def tolerance(self, axis: Rotational) -> float:
        """Return how far a point may come to lie off the surface by turns about an axis."""
        offsets = self._points[:ROUGH_SAMPLE] - axis.point
        radii = np.linalg.norm(np.cross(offsets, axis.axis), axis=1)
        return min(TOLERANCE_DIAMETERS, TOLERANCE_RADII * float(np.quantile(radii, 0.98)))

    def keeps(self, T: NDArray[np.float64], *, tolerance: float, rough: bool = False) -> bool:
        """Tell whether a motion (4, 4) leaves the surface within a tolerance as it is.

        What it removes shows as well as what it adds: moved points of a bump stand off, and
        so do those that should lie where the bump is. `rough`: fewer points, a weaker quantile.
        """
        off, turned = self.scale_residual(T, sample=ROUGH_SAMPLE if rough else SAMPLE)
        quantile = ROUGH_OFF_QUANTILE if rough else OFF_QUANTILE
        return bool(np.quantile(off, quantile) <= tolerance
                    and np.quantile(turned, TURNED_QUANTILE) <= TOLERANCE_RAD)

    def scale_residual(self, T: NDArray[np.float64], *, sample: int
               ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how far moved points lie off the surface and how far normals turn, (sample,).

        Of the nearest samples that one counts whose plane and normal fit best: a point near an
        edge lies on one of two planes. Off the plane, and off the sampled part of it.
        """
        moved = self._points[:sample] @ T[:3, :3].T + T[:3, 3]
        directions = self._normals[:sample] @ T[:3, :3].T
        _, index = self._nearest.query(moved, k=NEIGHBOURS)
        offsets, normals = moved[:, None] - self._points[index], self._normals[index]
        plane = np.einsum('nki,nki->nk', offsets, normals)
        lateral = np.sqrt(np.maximum(np.einsum('nki,nki->nk', offsets, offsets) - plane**2, 0))
        off = np.hypot(plane, np.maximum(lateral - LATERAL_SPACINGS * self._spacing, 0))
        cosines = np.abs(np.einsum('nki,ni->nk', normals, directions))
        turned = np.arccos(np.minimum(cosines, 1))
        best = np.hypot(off / TOLERANCE_DIAMETERS, turned / TOLERANCE_RAD).argmin(axis=1)
        rows = np.arange(len(best))
        return off[rows, best], turned[rows, best]
