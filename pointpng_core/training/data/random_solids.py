"""Random solids of the size of household objects, in metres."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.simulation.shapes.boxes import box
from pointpng_core.simulation.shapes.lathe import cylinder, lathe
from pointpng_core.simulation.shapes.solids import Solid
from pointpng_core.simulation.shapes.tubes import tube

Rng = np.random.Generator


def random_solid(kind: str, rng: Rng) -> Solid:
    """Return a random solid of one of the KINDS."""
    return KINDS[kind](rng)


def _box(rng: Rng) -> Solid:
    half = rng.uniform(0.015, 0.08, 3)
    return box(tuple(-half), tuple(half), rounding_m=float(rng.uniform(0.05, 0.6) * half.min()))


def _cylinder(rng: Rng) -> Solid:
    half = float(rng.uniform(0.01, 0.1))
    return cylinder(float(rng.uniform(0.015, 0.06)), -half, half)


def _vase(rng: Rng) -> Solid:
    """Return a solid of revolution with four to seven rings."""
    rings = int(rng.integers(4, 8))
    radii, heights = rng.uniform(0.01, 0.05, rings), np.linspace(-0.07, 0.07, rings)
    rim = [(float(r), float(z)) for r, z in zip(radii, heights)]
    return lathe([(0.0, rim[0][1]), *rim, (0.0, rim[-1][1])])


def _pipe(rng: Rng) -> Solid:
    """Return a randomly bent tube of varying radius."""
    steps = rng.normal(size=(int(rng.integers(2, 5)), 3))
    steps *= 0.05 / np.linalg.norm(steps, axis=1, keepdims=True)
    path = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    return tube([(float(x), float(y), float(z)) for x, y, z in path],
                rng.uniform(0.008, 0.02, len(path)).tolist())


def _compound(rng: Rng) -> Solid:
    """Return the union of two to four other solids, rotated and shifted so that most overlap."""
    makers = (_box, _cylinder, _vase, _pipe)
    parts = [makers[rng.integers(len(makers))](rng).moved(_pose(rng))
             for _ in range(rng.integers(2, 5))]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole | part
    return whole


def _pose(rng: Rng) -> NDArray[np.float64]:
    T_whole_part = np.eye(4)
    T_whole_part[:3, :3] = Rotation.random(random_state=rng).as_matrix()
    T_whole_part[:3, 3] = rng.uniform(-0.05, 0.05, 3)
    return T_whole_part


KINDS: dict[str, Callable[[Rng], Solid]] = {
    'random_box': _box, 'random_cylinder': _cylinder, 'random_vase': _vase, 'random_pipe': _pipe,
    'random_compound': _compound}
