"""Dense placement of discs that never overlap on the table, by rejection sampling."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError

_TRIALS = 200
_GROWTH = 1.08


def place_discs(radii_m: Sequence[float], *, gap_m: float, half_x_m: float, half_y_m: float,
                rng: np.random.Generator) -> NDArray[np.float64]:
    """Return centres (N, 2) of discs at least `gap_m` apart, around the middle of the table.

    Raises ConfigError when they do not fit on a table of 2 half_x by 2 half_y.
    """
    shape = np.array([1.0, half_y_m / half_x_m])
    reach_m = float(np.sqrt((np.square(radii_m)).sum()))
    while reach_m <= half_x_m:
        centres = _throw(radii_m, gap_m, reach_m * shape, rng)
        if centres is not None:
            return centres
        reach_m *= _GROWTH
    raise ConfigError(f'{len(radii_m)} objects do not fit on a table of {2 * half_x_m:.2f} x '
                      f'{2 * half_y_m:.2f} m: fewer objects, a smaller gap or slide are needed')


def _throw(radii_m: Sequence[float], gap_m: float, half: NDArray[np.float64],
           rng: np.random.Generator) -> NDArray[np.float64] | None:
    """Return random centres, large discs first; None when one of them finds no free place."""
    centres = np.zeros((len(radii_m), 2))
    placed: list[int] = []
    for index in np.argsort(radii_m)[::-1]:
        room = half - radii_m[index]
        if (room < 0).any():
            return None
        trials = rng.uniform(-room, room, size=(_TRIALS, 2))
        apart = np.linalg.norm(trials[:, None] - centres[placed][None], axis=2)
        reach = np.array([radii_m[other] for other in placed]) + radii_m[index] + gap_m
        free = (apart >= reach).all(axis=1)
        if not free.any():
            return None
        centres[index] = trials[free.argmax()]
        placed.append(int(index))
    return centres
