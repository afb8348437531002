"""Tubes along a polyline: handles, triggers, spouts."""

from collections.abc import Sequence

import numpy as np

from pointpng_core.simulation.shapes.solids import Floats, Solid


def tube(path: Sequence[tuple[float, float, float]], radius_m: float | Sequence[float]) -> Solid:
    """A tube with round ends along `path` (K, 3); one radius, or one for each point of the path.

    Along a segment the radius changes linearly; the distance is then a close lower bound.
    """
    line = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), len(line))

    def distance(points: Floats) -> Floats:
        nearest = np.full(len(points), np.inf)
        for index in range(len(line) - 1):
            piece = _to_piece(points, line[index:index + 2], radii[index:index + 2])
            nearest = np.minimum(nearest, piece)
        return nearest
    return Solid(distance=distance, low=(line - radii[:, None]).min(axis=0),
                 high=(line + radii[:, None]).max(axis=0))


def _to_piece(points: Floats, ends: Floats, radii: Floats) -> Floats:
    edge, offset = ends[1] - ends[0], points - ends[0]
    along = np.clip(offset @ edge / float(edge @ edge), 0, 1)
    gap: Floats = np.linalg.norm(offset - along[:, None] * edge, axis=1)
    gap -= radii[0] + along * (radii[1] - radii[0])
    return gap
