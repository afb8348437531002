"""Drop the catalogue's objects into piles and write where they came to rest.

    python tools/make_piles.py                # needs the extra `sim`: MuJoCo and CoACD

Writes `pointpng_core/simulation/piles.json`, which the scene `clutter` of the simulated camera
shows without any physics. Convex parts are cached as by `pointpng evaluate make-clutter`.
"""

from collections.abc import Iterator, Sequence
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.simulation.clutter import scenery
from pointpng_core.simulation.clutter.objects import ClutterObject, clutter_objects
from pointpng_core.simulation.clutter.physics import RestingScene, drop
from pointpng_core.simulation.piles import PILE_FILE
from pointpng_core.simulation.sample_files import catalogue_library

OBJECTS = ('mug', 'bottle', 'drill', 'bracket', 'box', 'spray', 'bowl', 'hammer')
"""All of the catalogue but the can, which is the demo's distractor."""
PILES = 3
REACH_M = 0.06
"""Objects are dropped within a square of this half side."""
WIDEST_M = 0.24
"""What rolls farther from the middle is no longer part of the pile."""
LEANING_DEG, LEAST_LEANING = 8.0, 3
"""A pile is one when so many objects have no axis within this angle of the vertical."""
DIGITS = 6
CACHE = Path.home() / '.cache' / 'pointpng' / 'convex_parts'


def main() -> None:
    """Write the first piles, by seed, in which all objects rest near each other."""
    objects = clutter_objects(catalogue_library(OBJECTS), cache=CACHE)
    piles = []
    for seed, poses in _resting(objects):
        print(f'pile {len(piles)}: seed {seed}')
        piles.append([_entry(item.name, T) for item, T in zip(objects, poses)])
        if len(piles) == PILES:
            break
    lines = ',\n\n'.join(' [' + ',\n  '.join(map(json.dumps, pile)) + ']' for pile in piles)
    PILE_FILE.write_text(f'[\n{lines}\n]\n', encoding='utf-8')


def _resting(objects: Sequence[ClutterObject]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield the seed and the poses (N, 4, 4) of each pile that is one, its middle at x = y = 0."""
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        places_m = rng.uniform(-REACH_M, REACH_M, (len(objects), 2))
        resting = drop(objects, places_m, scenery.table(), at_once=False,
                       rotations=Rotation.random(len(objects), rng))
        poses = resting.T_world_objects
        boxes = np.stack([(each.min(axis=0), each.max(axis=0)) for each in (
            item.hull @ T[:3, :3].T + T[:3, 3] for item, T in zip(objects, poses))])
        middle = (boxes[:, 0].min(axis=0) + boxes[:, 1].max(axis=0)) / 2
        if _is_pile(resting, boxes - middle):
            poses[:, :2, 3] -= middle[:2]
            yield seed, poses


def _is_pile(resting: RestingScene, boxes: NDArray[np.float64]) -> bool:
    """Return whether all rest near the middle of the pile, and some lean."""
    upright_deg = np.degrees(np.arccos(np.abs(resting.T_world_objects[:, 2, :3]).max(axis=1)))
    return bool(resting.rests and resting.on_ground.all()
                and np.abs(boxes[..., :2]).max() < WIDEST_M
                and (upright_deg > LEANING_DEG).sum() >= LEAST_LEANING)


def _entry(name: str, T: NDArray[np.float64]) -> dict[str, object]:
    quat_xyzw = Rotation.from_matrix(T[:3, :3]).as_quat()
    return {'name': name, 'position_m': np.round(T[:3, 3], DIGITS).tolist(),
            'quat_xyzw': np.round(quat_xyzw, DIGITS).tolist()}


if __name__ == '__main__':
    main()
