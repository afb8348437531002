"""Solids whose symmetry is known from geometry."""

import numpy as np
from scipy.spatial import ConvexHull

from pointpng_core.geometry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.shapes.primitives import cylinder, lathe
from pointpng_core.simulation.shapes.solids import polygonise


def hull(corners):
    """A mesh of the convex hull of corners (N, 3)."""
    corners = np.asarray(corners, dtype=np.float32)
    return TriangleMesh(vertices=corners, faces=ConvexHull(corners).simplices.astype(np.int32))


def ring(count, radius, height, start=0.0):
    angles = start + 2 * np.pi * np.arange(count) / count
    return np.stack((radius * np.cos(angles), radius * np.sin(angles),
                     np.full(count, height)), axis=1)


def prism(count, radius=0.05, height=0.06):
    return hull(np.concatenate((ring(count, radius, 0.0), ring(count, radius, height))))


def pyramid(count, radius=0.05, height=0.08):
    return hull(np.concatenate((ring(count, radius, 0.0), [[0.0, 0.0, height]])))


def dihedral(order, height=0.06):
    return Symmetry(elements=(
        Rotational(axis=(0, 0, 1), order=order),
        Rotational(axis=(1, 0, 0), order=2, point=(0, 0, height / 2))))


def star(count, height=0.03, depth=0.3):
    """A prism whose outline has this many teeth."""
    steps = np.arange(2 * count)
    radii = 0.05 * np.where(steps % 2, 1 - depth, 1.0)
    angles = np.pi * steps / count
    outline = np.stack((radii * np.cos(angles), radii * np.sin(angles)), axis=1)
    low, high = (np.column_stack((outline, np.full(len(outline), z))) for z in (0.0, height))
    n = len(outline)
    sides = [[i, (i + 1) % n, n + i] for i in range(n)] + [
        [(i + 1) % n, n + (i + 1) % n, n + i] for i in range(n)]
    caps = [[2 * n, (i + 1) % n, i] for i in range(n)] + [
        [2 * n + 1, n + i, n + (i + 1) % n] for i in range(n)]
    return TriangleMesh(
        vertices=np.concatenate((low, high, [[0, 0, 0], [0, 0, height]])).astype(np.float32),
        faces=np.array(sides + caps, dtype=np.int32))


def axes_of(*pairs):
    return Symmetry(elements=tuple(Rotational(axis=axis, order=order) for axis, order in pairs))


GOLDEN = (1 + 5**0.5) / 2
CUBE = axes_of(((0, 0, 1), 4), ((1, 0, 0), 4))
SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
ICOSAHEDRON = [np.roll((0, x, y * GOLDEN), k) for k in range(3) for x in (-1, 1) for y in (-1, 1)]
SOLIDS = {
    **{f'prism {n}': (prism(n), dihedral(n)) for n in (3, 5, 6, 7, 8)},
    **{f'star {n}': (star(n), dihedral(n, 0.03)) for n in (4, 9, 10, 12)},
    **{f'pyramid {n}': (pyramid(n), axes_of(((0, 0, 1), n))) for n in (3, 4, 5, 6)},
    'tetrahedron': (hull(0.05 * SIGNS[SIGNS.prod(axis=1) > 0]),
                    axes_of(((1, 1, 1), 3), ((1, -1, -1), 3))),
    'cube': (hull(0.03 * SIGNS), CUBE),
    'octahedron': (hull(0.05 * np.concatenate((np.eye(3), -np.eye(3)))), CUBE),
    'icosahedron': (hull(0.03 * np.array(ICOSAHEDRON)),
                    axes_of(((0, 1, GOLDEN), 5), ((0, -1, GOLDEN), 5))),
    'ball': (polygonise(lathe([(0.05 * np.cos(a), 0.05 * np.sin(a))
                               for a in np.linspace(-np.pi / 2, np.pi / 2, 40)])),
             axes_of(((0, 0, 1), 0), ((1, 0, 0), 0))),
    'brick': (hull(SIGNS * (0.02, 0.035, 0.05)), axes_of(((0, 0, 1), 2), ((1, 0, 0), 2))),
    'wedge': (hull([(0, 0, 0), (0.1, 0, 0), (0, 0.04, 0), (0, 0, 0.06)]), Symmetry()),
    'rod': (polygonise(cylinder(0.01, 0.0, 0.15)), Symmetry(elements=(
        Rotational(axis=(0, 0, 1), order=CONTINUOUS),
        Rotational(axis=(1, 0, 0), order=2, point=(0, 0, 0.075))))),
}
