"""Registration of clouds on one table: rotation about the vertical and shift along the table.

Table frames have z up, z = 0 the table. Knowing the table leaves three unknowns of six, without
the three that a single view constrains worst.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pointpng_core.geometry.clouds import voxel_keys

Floats = NDArray[np.float64]
FACING_COS = 0.5
"""Least cosine between the normals of corresponding points: front and back do not match."""
PRIOR_WEIGHT = 0.02
"""Weight of the expected rotation relative to the largest possible curvature of a rotation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfacePatch:
    """Points (N, 3) in metres and unit normals (N, 3) towards the camera, in one frame."""

    points: Floats
    normals: Floats

    def moved(self, T: Floats) -> 'SurfacePatch':
        """Return the patch in another frame, by T_target_source (4, 4)."""
        R = T[:3, :3]
        return SurfacePatch(points=self.points @ R.T + T[:3, 3], normals=self.normals @ R.T)

    def downsampled(self, voxel_m: float) -> 'SurfacePatch':
        """Return one mean point and normal for each voxel."""
        _, owner = np.unique(voxel_keys(self.points, voxel_m), return_inverse=True)
        counts = np.bincount(owner)
        points, sums = (np.stack([np.bincount(owner, weights=column) for column in array.T], 1)
                        for array in (self.points, self.normals))
        lengths = np.linalg.norm(sums, axis=1)
        clear = lengths > 0.3 * counts  # normals cancel where front and back share a voxel
        return SurfacePatch(points=(points / counts[:, None])[clear],
                     normals=sums[clear] / lengths[clear, None])


def concatenated(patches: list[SurfacePatch]) -> SurfacePatch:
    """Return all patches as one."""
    return SurfacePatch(points=np.concatenate([patch.points for patch in patches]),
                 normals=np.concatenate([patch.normals for patch in patches]))


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanarFit:
    """The registration of a patch onto another one."""

    T_target_source: Floats
    """(4, 4), a rotation about z and a shift along x and y."""
    residual_m: float
    """Mean point-to-plane distance of the corresponding points."""
    overlap: float
    """Share of the points with a correspondence within the last tolerance."""
    rotation_observability: float
    """In [0, 1]: how well the distances constrain the rotation; 0 for a surface of revolution."""


class PlanarTarget:
    """A patch with its search tree, onto which others are registered."""

    def __init__(self, patch: SurfacePatch) -> None:
        self.patch = patch
        self._tree = cKDTree(patch.points)

    def fit(self, source: SurfacePatch, T_target_source: Floats, *,
            tolerances_m: tuple[float, ...], expected_rad: float | None = None) -> PlanarFit:
        """Register a patch from a start (4, 4) by point-to-plane ICP, one step per tolerance.

        Where the surface does not constrain the rotation, it stays near `expected_rad`, by default
        that of the start.
        """
        T = T_target_source
        expected = rotation_rad(T) if expected_rad is None else expected_rad
        for tolerance_m in tolerances_m:
            missing = rotation_rad(planar(expected - rotation_rad(T), np.zeros(2)))
            T = self._pairs(source, T, tolerance_m).step(missing) @ T
        pairs = self._pairs(source, T, tolerances_m[-1])
        return PlanarFit(T_target_source=T, rotation_observability=pairs.rotation_observability(),
                         residual_m=float(np.abs(pairs.gaps).mean()) if len(pairs.gaps) else 0.0,
                         overlap=len(pairs.gaps) / max(1, len(source.points)))

    def _pairs(self, source: SurfacePatch, T: Floats, tolerance_m: float) -> '_Pairs':
        moved = source.moved(T)
        distance, nearest = self._tree.query(moved.points, distance_upper_bound=tolerance_m)
        rows = np.flatnonzero(np.isfinite(distance))
        normals = self.patch.normals[nearest[rows]]
        facing = np.einsum('ij,ij->i', normals, moved.normals[rows]) > FACING_COS
        rows, normals = rows[facing], normals[facing]
        gaps = np.einsum('ij,ij->i', moved.points[rows] - self.patch.points[nearest[rows]],
                         normals)
        middle = moved.points[:, :2].mean(axis=0)
        arms = moved.points[rows, :2] - middle
        rotation = normals[:, 1] * arms[:, 0] - normals[:, 0] * arms[:, 1]
        return _Pairs(equations=np.column_stack((rotation, normals[:, :2])), gaps=gaps, arms=arms,
                      middle=middle)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pairs:
    """Linearised correspondences: how a rotation and a shift change their gaps."""

    equations: Floats
    """(n, 3) derivatives by a rotation about `middle`, a shift along x and one along y."""
    gaps: Floats
    """(n,) point-to-plane distances, metres."""
    arms: Floats
    """(n, 2) from the middle."""
    middle: Floats

    def step(self, expected_rad: float) -> Floats:
        """Return the motion (4, 4) that minimises the gaps, with a prior on its rotation."""
        if len(self.gaps) < 3:
            return np.eye(4)
        normal = self.equations.T @ self.equations
        right = -self.equations.T @ self.gaps
        weight = PRIOR_WEIGHT * (self.arms ** 2).sum()
        normal += np.diag([weight, *(1e-6 * normal.diagonal()[1:] + 1e-12)])
        right[0] += weight * expected_rad
        x = np.linalg.solve(normal, right)
        return planar(float(x[0]), self.middle, x[1:])

    def rotation_observability(self) -> float:
        """Return the share of a rotation's motion that changes gaps and that no shift cancels."""
        if len(self.gaps) < 3:
            return 0.0
        normal = self.equations.T @ self.equations
        shifts = normal[1:, 1:] + 1e-9 * np.eye(2)
        own = normal[0, 0] - normal[0, 1:] @ np.linalg.solve(shifts, normal[1:, 0])
        return float(own / (self.arms ** 2).sum())


def planar(rotation_rad: float, about: Floats, shift_m: Floats | None = None) -> Floats:
    """Return the motion (4, 4): rotation about the vertical through (2,), then a shift by (2,)."""
    cos, sin = np.cos(rotation_rad), np.sin(rotation_rad)
    T = np.eye(4)
    T[:2, :2] = [[cos, -sin], [sin, cos]]
    T[:2, 3] = about - T[:2, :2] @ about + (0.0 if shift_m is None else shift_m)
    return T


def rotation_rad(T: Floats) -> float:
    """Return the rotation angle of a planar motion (4, 4), in (-pi, pi]."""
    return float(np.arctan2(T[1, 0], T[0, 0]))

