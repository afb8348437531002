"""Local shape of the surface at every voxel: neighbours, normals, concavity."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.spatial import cKDTree

_UPPER = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


@dataclass(frozen=True, kw_only=True)
class Voxels:
    """Points gathered in cubes: centroids (V, 3) float64 and the voxel (N,) of each point."""

    centroids: np.ndarray
    of_point: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Pairs of near voxels (E, 2) with their distances (E,), and each voxel's local shape.

    normals: (V, 3) unit vectors on the side of the camera; bend_rad: (V,) angle by which the
    surface bends within the radius, positive where it is concave, 0 where it is flat.
    """

    pairs: np.ndarray
    distances_m: np.ndarray
    normals: np.ndarray
    bend_rad: np.ndarray


def gather_voxels(points: np.ndarray, size_m: float) -> Voxels:
    """Gather points (N, 3), N >= 1, in cubes of edge `size_m` aligned to the origin."""
    cells = np.floor(points / points.dtype.type(size_m)).astype(np.int64)
    cells -= cells.min(axis=0)
    spans = cells.max(axis=0) + 1
    keys = (cells[:, 0] * spans[1] + cells[:, 1]) * spans[2] + cells[:, 2]
    _, of_point, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = [np.bincount(of_point, points[:, axis]) for axis in range(3)]
    return Voxels(centroids=np.stack(sums, axis=1) / counts[:, None], of_point=of_point)


def describe_surface(centroids: np.ndarray, radius_m: float) -> Surface:
    """Describe the surface through centroids (V, 3) within `radius_m` of each.

    The mean of a half disc lies 4 r / (3 pi) from its straight edge, so where two planes meet at
    bend t, the mean of the disc is off the crease by 4 r / (3 pi) sin(t / 2) along the normal, to
    the camera when the crease is concave. Comparing with the mean within r / 2, where it is half
    of that, instead of the voxel itself averages the noise.
    """
    pairs = cKDTree(centroids).query_pairs(radius_m, output_type='ndarray')
    apart = centroids[pairs[:, 0]] - centroids[pairs[:, 1]]
    distances = np.sqrt(np.einsum('ei,ei->e', apart, apart))
    centred = centroids - centroids.mean(axis=0)
    squares = np.stack([centred[:, i] * centred[:, j] for i, j in _UPPER], axis=1)
    means = _neighbour_means(pairs, np.concatenate([centred, squares], axis=1))
    normals = _normals(means, centroids)
    near_means = _neighbour_means(pairs[distances < radius_m / 2], centred)
    lift = np.einsum('vi,vi->v', means[:, :3] - near_means, normals)
    sine = np.clip(lift * (3 * np.pi / 2) / radius_m, -1.0, 1.0)
    return Surface(pairs=pairs, distances_m=distances, normals=normals,
                   bend_rad=2.0 * np.arcsin(sine))


def _neighbour_means(pairs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Means (V, C) of values (V, C) over each voxel and its neighbours."""
    count = len(values)
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    extended = np.concatenate([values, np.ones((count, 1))], axis=1)
    sums = links @ extended + links.T @ extended + extended
    return sums[:, :-1] / sums[:, -1:]


def _normals(means: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    covariances = np.empty((len(means), 3, 3))
    for column, (i, j) in enumerate(_UPPER):
        covariances[:, i, j] = means[:, 3 + column] - means[:, i] * means[:, j]
        covariances[:, j, i] = covariances[:, i, j]
    normals = np.linalg.eigh(covariances)[1][:, :, 0]
    away = np.einsum('vi,vi->v', normals, centroids) > 0
    normals[away] *= -1.0
    return normals
