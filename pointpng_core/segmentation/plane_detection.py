"""Detection of planes from local neighbourhoods instead of random triples."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig

_SEEDS = 80
_NEIGHBOURS = 25
_VOTING_STEP = 3  # a third of the points suffices to find the planes; all of them refine it
_REFINEMENTS = 3


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The points p with `normal . p + offset_m = 0`, in the frame of the cloud.

    `normal` (3,) float64 has unit length and points towards the camera: where that is at the
    origin, `offset_m` >= 0.
    """

    normal: np.ndarray
    offset_m: float

    def heights(self, points: np.ndarray) -> np.ndarray:
        """Return signed distances (N,) of points (N, 3), positive on the side of the camera."""
        # Column by column: four times faster than (N, 3) @ (3,), and in the dtype of the points.
        nx, ny, nz = (points.dtype.type(value) for value in self.normal)
        offset = points.dtype.type(self.offset_m)
        return points[:, 0] * nx + points[:, 1] * ny + points[:, 2] * nz + offset

    def moved(self, T: np.ndarray) -> 'Plane':
        """Return the plane moved by T (4, 4)."""
        normal = T[:3, :3] @ self.normal
        return Plane(normal=normal, offset_m=float(self.offset_m - normal @ T[:3, 3]))


def find_planes(points: np.ndarray, tolerance_m: np.ndarray, *, config: SegmenterConfig,
                most: int = 4) -> list[Plane]:
    """Return up to so many planes of points (N, 3), the one with most points first.

    The neighbourhood of every seed proposes its least-squares plane: a plane with a tenth of the
    points is proposed by a tenth of the seeds, but only by a thousandth of random triples. Points
    within their tolerance_m (N,) of a plane lie on it. Planes with less than `min_plane_share` of
    the points are left out.
    """
    if len(points) < 2 * _NEIGHBOURS:
        return []
    normals, offsets = _propose(points)
    near = _near(points[::_VOTING_STEP], tolerance_m[::_VOTING_STEP], normals, offsets)
    remaining = np.ones(len(points), dtype=bool)
    planes: list[Plane] = []
    while len(planes) < most:
        votes = np.einsum('n,ns->s', remaining[::_VOTING_STEP].astype(np.float32), near)
        best = int(votes.argmax())
        if votes[best] < config.min_plane_share * len(near):
            break
        plane = _refine(points[remaining], tolerance_m[remaining], normals[best], offsets[best])
        planes.append(plane)
        near[:, best] = 0.0
        remaining &= np.abs(plane.heights(points)) > 2 * tolerance_m
    return planes


def _near(points: np.ndarray, tolerance: np.ndarray, normals: np.ndarray,
          offsets: np.ndarray) -> np.ndarray:
    """Return float32 (N, S): 1.0 where a point lies on a proposed plane, else 0.0."""
    # einsum, not @: a second BLAS thread would wait for a core longer than the product takes.
    points, normals = points.astype(np.float32), normals.astype(np.float32)
    distances = np.einsum('ni,si->ns', points, normals)
    distances += offsets.astype(np.float32)
    np.abs(distances, out=distances)
    return (distances < tolerance[:, None].astype(np.float32)).astype(np.float32)


def tolerances_m(points: np.ndarray, base_m: float, config: SegmenterConfig,
                 depth_noise: DepthNoise) -> np.ndarray:
    """Return (N,) `base_m` plus `noise_sigmas` of the depth noise at each of points (N, 3).

    The distance of a point from the camera stands for its depth; see `DepthNoise.sigma_m`.
    """
    squares = points[:, 0] ** 2 + points[:, 1] ** 2 + points[:, 2] ** 2
    return base_m + config.noise_sigmas * depth_noise.sigma_m(np.sqrt(squares))


def fit_plane(points: np.ndarray) -> Plane:
    """Return the least-squares plane of points (N, 3), N >= 3."""
    centre = points.mean(axis=0)
    centred = points - centre
    normal = np.linalg.eigh(centred.T @ centred)[1][:, 0]
    return _towards_camera(normal, -float(normal @ centre))


def _propose(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seeds = points[:: max(1, len(points) // _SEEDS)]
    groups = points[cKDTree(points).query(seeds, _NEIGHBOURS)[1]]
    centres = groups.mean(axis=1)
    centred = groups - centres[:, None]
    normals = np.linalg.eigh(np.einsum('ski,skj->sij', centred, centred))[1][:, :, 0]
    return normals, -np.einsum('si,si->s', normals, centres)


def _refine(points: np.ndarray, tolerance: np.ndarray, normal: np.ndarray,
            offset: float) -> Plane:
    plane = _towards_camera(normal, float(offset))
    for _ in range(_REFINEMENTS):
        inliers = np.abs(plane.heights(points)) < tolerance
        if inliers.sum() < 3:
            break
        plane = fit_plane(points[inliers])
    return plane


def _towards_camera(normal: np.ndarray, offset: float) -> Plane:
    sign = 1.0 if offset >= 0 else -1.0
    return Plane(normal=sign * normal, offset_m=sign * offset)
