"""The local shape of the surface at every voxel: neighbours, normals and concavity."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.spatial import cKDTree

from pointpng_core.segmentation.config import SegmenterConfig

_UPPER = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


@dataclass(frozen=True, kw_only=True)
class Voxels:
    """Points grouped by voxel: centroids (V, 3) float64 and the voxel index (N,) of each point."""

    centroids: np.ndarray
    of_point: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The voxels' centroids (V, 3), `pairs` (E, 2) of neighbours, and each voxel's local shape.

    `distances_m` (E,) is the distance of each pair, and `linked` (E,) is whether it is close
    enough to belong together. `normals` (V, 3) are unit vectors towards the camera. `bend_rad`
    (V,) is the angle by which the surface bends within the crease radius: positive where it is
    concave, 0 where it is flat.
    """

    centroids: np.ndarray
    pairs: np.ndarray
    distances_m: np.ndarray
    linked: np.ndarray
    normals: np.ndarray
    bend_rad: np.ndarray


def gather_voxels(points: np.ndarray, size_m: float) -> Voxels:
    """Group points (N, 3), N >= 1, by voxels of edge `size_m` aligned to the origin."""
    cells = np.floor(points / points.dtype.type(size_m)).astype(np.int64)
    cells -= cells.min(axis=0)
    spans = cells.max(axis=0) + 1
    keys = (cells[:, 0] * spans[1] + cells[:, 1]) * spans[2] + cells[:, 2]
    _, of_point, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = [np.bincount(of_point, points[:, axis]) for axis in range(3)]
    return Voxels(centroids=np.stack(sums, axis=1) / counts[:, None], of_point=of_point)


def describe_surface(centroids: np.ndarray, *, config: SegmenterConfig) -> Surface:
    """Return the surface through centroids (V, 3), its shape within `crease_radius_m` of each.

    With r for this radius, the mean of a half disc lies 4 r / (3 pi) from its straight edge. So
    where two planes meet at bend t, the mean of the disc is off the crease by
    4 r / (3 pi) sin(t / 2) along the normal, towards the camera when the crease is concave.
    Comparing it with the mean within r / 2, which is off by half of that, instead of with the
    voxel itself averages the noise.
    """
    radius_m = config.crease_radius_m
    tree = cKDTree(centroids, leafsize=32, balanced_tree=False, compact_nodes=False)
    pairs = tree.query_pairs(radius_m, output_type='ndarray')
    apart = centroids.take(pairs[:, 0], axis=0) - centroids.take(pairs[:, 1], axis=0)
    distances = np.sqrt(np.einsum('ei,ei->e', apart, apart))
    centred = centroids - centroids.mean(axis=0)
    squares = np.stack([centred[:, i] * centred[:, j] for i, j in _UPPER], axis=1)
    means = _neighbour_means(pairs, np.concatenate([centred, squares], axis=1))
    normals = _normals(means, centroids)
    near_means = _neighbour_means(pairs[distances < radius_m / 2], centred)
    lift = np.einsum('vi,vi->v', means[:, :3] - near_means, normals)
    sine = np.clip(lift * (3 * np.pi / 2) / radius_m, -1.0, 1.0)
    ranges = np.sqrt(np.einsum('vi,vi->v', centroids, centroids))
    reach = np.maximum(config.link_distance_m, config.link_per_m * ranges)
    return Surface(centroids=centroids, pairs=pairs, distances_m=distances,
                   linked=distances < reach[pairs[:, 0]], normals=normals,
                   bend_rad=2.0 * np.arcsin(sine))


def _neighbour_means(pairs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the means (V, C) of values (V, C) over each voxel and its neighbours."""
    count = len(values)
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    extended = np.concatenate([values, np.ones((count, 1))], axis=1)
    sums = links @ extended + links.T @ extended + extended
    return sums[:, :-1] / sums[:, -1:]


def _normals(means: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Return unit normals (V, 3) towards the camera.

    `means` (V, 9) are the neighbourhood means of x, y, z and of their products.
    """
    covariances = [means[:, 3 + column] - means[:, i] * means[:, j]
                   for column, (i, j) in enumerate(_UPPER)]
    normals = smallest_axes(np.stack(covariances))
    away = np.einsum('vi,vi->v', normals, centroids) > 0
    normals[away] *= -1.0
    return normals


def smallest_axes(covariances: np.ndarray) -> np.ndarray:
    """Return unit eigenvectors (V, 3) of the smallest eigenvalues of symmetric matrices.

    `covariances` (6, V) has the entries xx, xy, xz, yy, yz, zz. The closed form (Smith,
    "Eigenvalues of a symmetric 3 x 3 matrix", 1961) is four times as fast here as numpy's eigh.
    The eigenvector is the longest cross product of two rows of the matrix minus the eigenvalue.
    Where two eigenvalues are equal it is one of many, or (0, 0, 0).
    """
    xx, xy, xz, yy, yz, zz = covariances
    mean = (xx + yy + zz) / 3.0
    a, b, c = xx - mean, yy - mean, zz - mean
    spread = np.sqrt((a * a + b * b + c * c + 2 * (xy * xy + xz * xz + yz * yz)) / 6.0) + 1e-30
    determinant = a * (b * c - yz * yz) - xy * (xy * c - yz * xz) + xz * (xy * yz - b * xz)
    angle = np.arccos(np.clip(determinant / (2.0 * spread ** 3), -1.0, 1.0)) / 3.0
    shift = 2.0 * spread * np.cos(angle + 2.0 * np.pi / 3.0)
    a, b, c = a - shift, b - shift, c - shift
    candidates = np.stack([
        np.stack([xy * yz - xz * b, xz * xy - a * yz, a * b - xy * xy]),
        np.stack([xy * c - xz * yz, xz * xz - a * c, a * yz - xy * xz]),
        np.stack([b * c - yz * yz, yz * xz - xy * c, xy * yz - b * xz])])
    lengths = np.sqrt((candidates ** 2).sum(axis=1))
    best = lengths.argmax(axis=0)
    columns = np.arange(len(best))
    return (candidates[best, :, columns] / (lengths[best, columns] + 1e-300)[:, None])
