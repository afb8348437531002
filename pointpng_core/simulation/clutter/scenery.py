"""What does not move: tables, bins, shelves and ledges, built of boxes.

The world's z axis points up; objects are dropped onto z = 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.rendering import CastBody

_WALL_M = 0.006
_BOARD_M = 0.02
_FLOOR_M = -0.75
_SIDES = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4],
                   [1, 5, 7, 3]])


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box whose sides are parallel to the world's axes, between two corners in metres."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """Boxes that do not move.

    half_x_m, half_y_m: half the sides of the surface at z = 0 on which objects are dropped;
    rim_m: objects start above this height, which is that of the walls of a bin.
    """

    boxes: tuple[Box, ...]
    half_x_m: float
    half_y_m: float
    rim_m: float = 0.0

    def cast_body(self) -> CastBody:
        """Return all boxes as one body for ray casting."""
        return CastBody(boxes_mesh(self.boxes))


def boxes_mesh(boxes: tuple[Box, ...]) -> TriangleMesh:
    """Return the surfaces of boxes as one mesh, normals outwards."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    triangles = np.concatenate((_SIDES[:, :3], _SIDES[:, [0, 2, 3]]))
    vertices = [np.array(box.low) + corners * np.subtract(box.high, box.low) for box in boxes]
    faces = [triangles + 8 * index for index in range(len(boxes))]
    return TriangleMesh(vertices=np.concatenate(vertices), faces=np.concatenate(faces))


def table(half_x_m: float = 0.70, half_y_m: float = 0.55) -> Scenery:
    """A table above a floor."""
    return Scenery(boxes=(_board(half_x_m, half_y_m), _floor()), half_x_m=half_x_m,
                   half_y_m=half_y_m)


def bin_on_table(half_x_m: float, half_y_m: float, height_m: float) -> Scenery:
    """An open bin, its inner sides 2 half_x by 2 half_y, on a table; its ground is at z = 0."""
    x, y, wall = half_x_m, half_y_m, _WALL_M
    walls = (Box(low=(-x - wall, -y - wall, 0), high=(-x, y + wall, height_m)),
             Box(low=(x, -y - wall, 0), high=(x + wall, y + wall, height_m)),
             Box(low=(-x, -y - wall, 0), high=(x, -y, height_m)),
             Box(low=(-x, y, 0), high=(x, y + wall, height_m)))
    on_table = table()
    return Scenery(boxes=(*on_table.boxes, *walls), half_x_m=x, half_y_m=y, rim_m=height_m)


def shelf(half_x_m: float, half_y_m: float) -> Scenery:
    """A board with a back wall at +y, above a floor."""
    x, y = half_x_m, half_y_m
    wall = Box(low=(-x, y, -_BOARD_M), high=(x, y + _BOARD_M, 0.45))
    return Scenery(boxes=(_board(x, y), wall, _floor()), half_x_m=x, half_y_m=y)


def ledge(half_x_m: float, half_y_m: float) -> Scenery:
    """A narrow board along x, above a far floor."""
    return Scenery(boxes=(_board(half_x_m, half_y_m), _floor(-1.3)), half_x_m=half_x_m,
                   half_y_m=half_y_m)


def _board(half_x_m: float, half_y_m: float) -> Box:
    return Box(low=(-half_x_m, -half_y_m, -_BOARD_M), high=(half_x_m, half_y_m, 0))


def _floor(height_m: float = _FLOOR_M) -> Box:
    return Box(low=(-4, -4, height_m - 0.1), high=(4, 4, height_m))


def box_pose(box: Box) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centre (3,) and half the sides (3,) of a box."""
    low, high = np.array(box.low, dtype=np.float64), np.array(box.high, dtype=np.float64)
    return (low + high) / 2, (high - low) / 2
