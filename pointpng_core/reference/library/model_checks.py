"""Notes on a model that a user should read before a robot relies on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.orientation import outward
from pointpng_core.io import TriangleMesh
from pointpng_core.segmentation import SegmenterConfig

FAR_OFF = 1.0
"""Distance of the origin from the middle of a model, in diameters, that is worth a note."""
FEW_POINTS = 1000
"""A cloud of fewer points leaves holes in its surface."""


@dataclass(frozen=True, kw_only=True)
class EdgeCounts:
    """Edges of a mesh that border one face (a hole's rim), and more than two."""

    open: int
    crowded: int


def edge_counts(mesh: TriangleMesh) -> EdgeCounts:
    """Count edges by their faces; vertices at one place, as in every STL, are one."""
    _, merged = np.unique(mesh.vertices, axis=0, return_inverse=True)
    faces = np.sort(merged.reshape(-1)[mesh.faces], axis=1)
    faces = faces[(faces[:, :-1] != faces[:, 1:]).all(axis=1)]  # degenerate faces have no area
    edges = np.concatenate((faces[:, :2], faces[:, 1:], faces[:, ::2]))
    _, shared = np.unique(edges, axis=0, return_counts=True)
    return EdgeCounts(open=int((shared == 1).sum()), crowded=int((shared > 2).sum()))


def notes_about(model: TriangleMesh | NDArray[np.float32], *, diameter_m: float
                ) -> tuple[NDArray[np.float32], list[str]]:
    """Return the places (N, 3) that the object of a mesh or points has, and sentences about it.

    None of them is an error.
    """
    if not isinstance(model, TriangleMesh):
        points, notes = model, _cloud_notes(model)
    else:
        checked = outward(model)
        points, notes = checked.mesh.vertices, [*checked.notes, *_mesh_notes(checked.mesh)]
    return points, [*notes, *size_notes(points), *_origin_notes(points, diameter_m)]


def _mesh_notes(mesh: TriangleMesh) -> list[str]:
    counts, notes = edge_counts(mesh), []
    if counts.open:
        notes.append(f'the mesh is not watertight: {counts.open} edges border one face only '
                     '(no harm where it is invisible anyway)')
    if counts.crowded:
        notes.append(f'the mesh is non-manifold: {counts.crowded} edges join more than two faces '
                     '(no harm to poses)')
    return notes


def _cloud_notes(points: NDArray[np.float32]) -> list[str]:
    notes = ['a cloud, not a mesh: it must show the object from all sides']
    if len(points) < FEW_POINTS:
        notes.append(f'only {len(points)} points: a mesh, or {FEW_POINTS} points and more, is '
                     'found more surely')
    return notes


def size_notes(points: NDArray[np.float32]) -> list[str]:
    """Return notes on an unusual extent of points (N, 3) in metres: often the unit is wrong."""
    extent_m, limits = float(np.ptp(points, axis=0).max()), SegmenterConfig()
    if extent_m > limits.max_segment_size_m:
        return [f'{extent_m:.3g} m long: the node searches segments up to '
                f'{limits.max_segment_size_m:g} m; raise segmenter.max_segment_size_m, if the '
                'unit is right']
    if extent_m < limits.min_segment_size_m:
        return [f'{extent_m * 1e3:.3g} mm long: the node searches segments from '
                f'{limits.min_segment_size_m * 1e3:g} mm on; lower segmenter.min_segment_size_m, '
                'if the unit is right']
    return []


def _origin_notes(points: NDArray[np.float32], diameter_m: float) -> list[str]:
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    offset_m = float(np.linalg.norm(middle))
    if offset_m <= FAR_OFF * diameter_m:
        return []
    return [f'its origin lies {offset_m:.3g} m from its middle: poses are those of the origin']
