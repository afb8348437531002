"""Piles of objects of the catalogue at rest on a table, touching and leaning, without physics.

`piles.json` holds where they came to rest; `python tools/make_piles.py` makes it again.
"""

from functools import cache
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.simulation.motion import TableMotion
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.tabletop import World, WorldConfig

PILE_FILE = Path(__file__).with_name('piles.json')
Pile = tuple[tuple[str, NDArray[np.float64]], ...]
"""Names of the catalogue, each with its pose (4, 4) on the table, whose surface is z = 0."""


@cache
def piles() -> tuple[Pile, ...]:
    """Return all piles of the file."""
    stored = json.loads(PILE_FILE.read_text(encoding='utf-8'))
    return tuple(tuple((entry['name'], _pose(entry['position_m'], entry['quat_xyzw']))
                       for entry in pile) for pile in stored)


def pile_of(seed: int) -> Pile:
    """Return one of the piles; seeds that differ by their number give the same one."""
    return piles()[seed % len(piles())]


class PileWorld(World):
    """A pile on a table, chosen by the seed; nothing but the camera moves."""

    def __init__(self, *, config: WorldConfig | None = None) -> None:
        config = config or WorldConfig()
        pile = pile_of(config.seed)
        super().__init__(config, [make_object(name) for name, _ in pile],
                         [_still(T) for _, T in pile])


def _still(T_table_object: NDArray[np.float64]) -> TableMotion:
    return TableMotion(T_table_object=T_table_object, home=np.zeros(2), slide_m=0.0,
                       slide_rad_s=0.0, spin_rad_s=0.0, phase_rad=0.0)


def _pose(position_m: list[float], quat_xyzw: list[float]) -> NDArray[np.float64]:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_quat(quat_xyzw).as_matrix(), position_m
    return T
