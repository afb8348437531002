"""Registration of a surface onto its rotated copy: the best axis, and the residuals.

All lengths are in diameters of the object, relative to the centroid of its points.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from pointpng_core.geometry.symmetry import Rotational
from pointpng_core.reference.surface.kd_tree import SurfaceTree

TOLERANCE_DIAMETERS = 0.025
"""Deviation of scans of cans and boxes from their symmetry; coarser samplings are not judged."""
TOLERANCE_RADII = 0.3
"""The same relative to the object's radius about the axis: a thin object need not be round."""
TOLERANCE_RAD = np.radians(22.0)
"""Angle between the normals of a surface and its rotated copy, for nine tenths of the points."""
DISTANCE_QUANTILE = 0.998
"""Share of points that must lie within the tolerance: a bump on 1/500 of the surface counts."""
ROUGH_DISTANCE_QUANTILE = 0.99
ANGLE_QUANTILE = 0.9
NEIGHBOURS = 5
LATERAL_SPACINGS = 3.0
"""Lateral distance to the nearest sample beyond which the surface has a hole."""
SAMPLE, ROUGH_SAMPLE = 4000, 800
ICP_SAMPLE, ROUGH_ICP_SAMPLE = 1500, 400
ICP_AXIS_COS = np.cos(np.radians(15.0))
ICP_ANGLE_RAD = np.radians(15.0)
ICP_OFFSET = 0.15
"""How far ICP may tilt an axis, change its angle, and shift it from the centroid."""


class SelfSurface:
    """Points (N, 3) in random order, with unit normals (N, 3) of either sign."""

    def __init__(self, points: NDArray[np.float64], normals: NDArray[np.float64], *,
                 spacing: float) -> None:
        self._points, self._normals, self._spacing = points, normals, spacing
        self._nearest, self._surface = cKDTree(points), SurfaceTree(points)

    def refined(self, axis: NDArray[np.float64], *, order: int, rough: bool = False
                 ) -> Rotational | None:
        """Return the symmetry axis near a direction (3,), refined by ICP, if any.

        ICP starts from the largest rotation of that order (180 degrees for a continuous axis),
        where the axis is best constrained. None when it converges elsewhere. `rough`: with fewer
        points.
        """
        angle = 2 * np.pi / order * (order // 2) if order else np.pi
        start = Rotational.through(np.zeros(3), axis, order=order).transform(angle)
        sample = self._points[:ROUGH_ICP_SAMPLE if rough else ICP_SAMPLE]
        T = self._surface.align(sample, start, diameter_m=1.0)
        rotvec = Rotation.from_matrix(T[:3, :3]).as_rotvec()
        found = float(np.linalg.norm(rotvec))
        if abs(found - angle) > ICP_ANGLE_RAD or abs(rotvec @ axis) < ICP_AXIS_COS * found:
            return None
        unit = rotvec * np.sign(rotvec @ axis) / found
        across = T[:3, 3] - unit * (unit @ T[:3, 3])
        point = np.linalg.lstsq(np.eye(3) - T[:3, :3], across, rcond=1e-6)[0]
        if np.linalg.norm(point) > ICP_OFFSET:
            return None
        return Rotational.through(point, unit, order=order)

    def tolerance(self, axis: Rotational) -> float:
        """Return the tolerated distance from the surface after rotations about an axis."""
        offsets = self._points[:ROUGH_SAMPLE] - axis.point
        radii = np.linalg.norm(np.cross(offsets, axis.axis), axis=1)
        return min(TOLERANCE_DIAMETERS, TOLERANCE_RADII * float(np.quantile(radii, 0.98)))

    def unchanged_by(self, T: NDArray[np.float64], *, tolerance: float, rough: bool = False
                     ) -> bool:
        """Return whether a motion (4, 4) maps the surface onto itself within a tolerance.

        A bump shows twice: where its points are moved to, and where points are moved onto it.
        `rough`: fewer points, a weaker quantile.
        """
        distances, angles = self.residuals(T, sample=ROUGH_SAMPLE if rough else SAMPLE)
        quantile = ROUGH_DISTANCE_QUANTILE if rough else DISTANCE_QUANTILE
        return bool(np.quantile(distances, quantile) <= tolerance
                    and np.quantile(angles, ANGLE_QUANTILE) <= TOLERANCE_RAD)

    def residuals(self, T: NDArray[np.float64], *, sample: int
               ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return distances (sample,) of moved points from the surface and angles of their normals.

        Among the nearest samples, the one with the best fitting plane and normal is chosen: a
        point near an edge lies on one of two planes. The distance is that from the sampled part
        of the plane.
        """
        moved = self._points[:sample] @ T[:3, :3].T + T[:3, 3]
        directions = self._normals[:sample] @ T[:3, :3].T
        _, index = self._nearest.query(moved, k=NEIGHBOURS)
        offsets, normals = moved[:, None] - self._points[index], self._normals[index]
        plane = np.einsum('nki,nki->nk', offsets, normals)
        lateral = np.sqrt(np.maximum(np.einsum('nki,nki->nk', offsets, offsets) - plane**2, 0))
        distances = np.hypot(plane, np.maximum(lateral - LATERAL_SPACINGS * self._spacing, 0))
        cosines = np.abs(np.einsum('nki,ni->nk', normals, directions))
        angles = np.arccos(np.minimum(cosines, 1))
        best = np.hypot(distances / TOLERANCE_DIAMETERS, angles / TOLERANCE_RAD).argmin(axis=1)
        rows = np.arange(len(best))
        return distances[rows, best], angles[rows, best]
