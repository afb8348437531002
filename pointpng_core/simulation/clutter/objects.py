"""The objects that are dropped: meshes with their convex parts, size checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from pointpng_core.errors import CloudError, LibraryError
from pointpng_core.geometry.clouds.measures import diameter_m
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.object_library import ObjectModel
from pointpng_core.simulation.clutter.convex_parts import LIMIT_S, Parts, convex_parts
from pointpng_core.simulation.rendering import CastBody

SMALLEST_M, LARGEST_M = 0.01, 0.5
"""Diameters that a depth camera at half a metre can see, and that a table has room for."""


@dataclass(frozen=True, kw_only=True)
class ClutterObject:
    """An object to drop; its parts and its surface are in its own frame, in metres."""

    name: str
    body: CastBody
    parts: Parts
    diameter_m: float

    @property
    def hull(self) -> NDArray[np.float64]:
        """Return the vertices (V, 3) of its convex hull."""
        return self.body.hull

    @property
    def footprint_m2(self) -> float:
        """Return the largest side of its bounding box."""
        sides = np.sort(np.ptp(self.hull, axis=0))
        return float(sides[1] * sides[2])


def clutter_objects(models: Sequence[ObjectModel], *, cache: Path | None,
                    limit_s: float = LIMIT_S) -> list[ClutterObject]:
    """Return the objects of a library, ready to drop; `cache` is a folder for convex parts.

    Raises LibraryError for a cloud instead of a mesh, and for a diameter below 10 mm or above
    0.5 m; CloudError for a flat mesh; MissingDependencyError without CoACD.
    """
    meshes = [_mesh(model) for model in models]
    diameters_m = [_diameter_m(model) for model in models]
    bodies = [_body(mesh, model.name) for mesh, model in zip(meshes, models)]
    names = [model.name for model in models]
    parts = convex_parts(meshes, names, folder=cache, limit_s=limit_s)
    return [ClutterObject(name=name, body=body, parts=its_parts, diameter_m=its_diameter_m)
            for name, body, its_parts, its_diameter_m in zip(names, bodies, parts, diameters_m)]


def _mesh(model: ObjectModel) -> TriangleMesh:
    if not isinstance(model.model, TriangleMesh):
        raise LibraryError(f'{model.name} ({model.path}) is a cloud, and only meshes can be '
                           'dropped: give it a mesh or leave it out')
    return model.model


def _diameter_m(model: ObjectModel) -> float:
    size_m = diameter_m(model.points)
    if not SMALLEST_M <= size_m <= LARGEST_M:
        raise LibraryError(f'{model.name}: its diameter is {1000 * size_m:.4g} mm, and scenes are '
                           f'made of objects of {1000 * SMALLEST_M:g} to {1000 * LARGEST_M:g} mm; '
                           'leave it out, or check its unit')
    return size_m


def _body(mesh: TriangleMesh, name: str) -> CastBody:
    try:
        ConvexHull(mesh.vertices)
    except QhullError as error:
        raise CloudError(f'{name}: the mesh is flat, and only bodies can be dropped; leave it '
                         'out') from error
    return CastBody(mesh)
