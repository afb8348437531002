"""The five kinds of scenes: what is dropped where, and from where the camera sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError, LibraryError
from pointpng_core.simulation.clutter import scenery
from pointpng_core.simulation.clutter.cameras import ViewRange
from pointpng_core.simulation.placement import place_discs

SPACED, PILE, MIXED_BIN, SINGLE_BIN, SIDE = 'spaced', 'pile', 'mixed_bin', 'single_bin', 'side'
KINDS = (SPACED, PILE, MIXED_BIN, SINGLE_BIN, SIDE)
"""In the order of their scene ids."""
FEWEST_KINDS = {MIXED_BIN: 8}
"""A mixed bin needs as many different objects; other scenes repeat those of a small library."""
_GAP_M = 0.02
_NEAR_TABLE = ViewRange(distance_m=(0.6, 0.9), elevation_deg=(30, 70))
_INTO_BIN = ViewRange(distance_m=(0.5, 0.9), elevation_deg=(50, 85))
_BIN_LAYERS = 1.4
"""Footprints of the objects over the ground of their bin: half of the YCB objects are less than
four fifths visible then."""
_BIN_SHAPE, _BIN_HEIGHT = 0.75, 0.65


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Of the objects of a library: diameters_m (B,), and footprints_m2 (B,) of those that lie."""

    diameters_m: NDArray[np.float64]
    footprints_m2: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.diameters_m)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A scene before physics.

    chosen: indices of N objects; places_m (N, 2): where each is dropped; at_once: all of them from
    just above the surface, else one after the other onto those before; apart: none may touch
    another at the end.
    """

    chosen: tuple[int, ...]
    scenery: scenery.Scenery
    places_m: NDArray[np.float64]
    at_once: bool
    apart: bool
    view: ViewRange


def check_kinds(kinds: Sequence[str], objects: int) -> tuple[str, ...]:
    """Return the kinds in their order, each once.

    Raises ConfigError for an unknown kind or none, LibraryError for one that needs more objects.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ConfigError(f'kinds of scenes: {", ".join(unknown) or "none"}; choose among '
                          f'{", ".join(KINDS)}')
    if objects == 0:
        raise LibraryError('the library has no objects to drop; add some')
    for kind in kinds:
        if objects < FEWEST_KINDS.get(kind, 1):
            others = ','.join(other for other in KINDS if other not in FEWEST_KINDS)
            raise LibraryError(f'{kind} needs {FEWEST_KINDS[kind]} different objects, and the '
                               f'library has {objects}; add some, or leave it out: --kinds '
                               f'{others}')
    return tuple(kind for kind in KINDS if kind in kinds)


def draw_layout(kind: str, frame: int, sizes: Sizes, rng: np.random.Generator) -> Layout:
    """Return a random scene of a kind, of objects of these sizes.

    The frame's number decides among the places of `side`. Raises ConfigError where there is no
    room on the table.
    """
    return _KINDS[kind](frame, sizes, rng)


def _spaced(frame: int, sizes: Sizes, rng: np.random.Generator) -> Layout:
    del frame
    table = scenery.table()
    chosen = _draw(len(sizes), int(rng.integers(6, 9)), rng)
    while True:
        try:
            places_m = place_discs((sizes.diameters_m[chosen] / 2).tolist(), gap_m=_GAP_M, rng=rng,
                                   half_x_m=table.half_x_m, half_y_m=table.half_y_m)
        except ConfigError:
            if len(chosen) == 1:
                raise
            chosen = chosen[:-1]
            continue
        return _layout(chosen, table, places_m, _NEAR_TABLE, at_once=True, apart=True)


def _pile(frame: int, sizes: Sizes, rng: np.random.Generator) -> Layout:
    del frame
    chosen = _draw(len(sizes), int(rng.integers(8, 11)), rng)
    reach_m = 0.06 * float(np.sqrt((sizes.diameters_m[chosen] ** 2).sum()))
    return _layout(chosen, scenery.table(), rng.uniform(-reach_m, reach_m, (len(chosen), 2)),
                   _NEAR_TABLE)


def _mixed_bin(frame: int, sizes: Sizes, rng: np.random.Generator) -> Layout:
    del frame
    count = min(int(rng.integers(10, 16)), len(sizes))
    return _bin(rng.choice(len(sizes), count, replace=False), sizes, rng)


def _single_bin(frame: int, sizes: Sizes, rng: np.random.Generator) -> Layout:
    del frame
    chosen = np.full(int(rng.integers(6, 11)), rng.integers(len(sizes)))
    return _bin(chosen, sizes, rng)


def _bin(chosen: NDArray[np.int64], sizes: Sizes, rng: np.random.Generator) -> Layout:
    dropped_m = sizes.diameters_m[chosen]
    ground_m2 = float(sizes.footprints_m2[chosen].sum()) / _BIN_LAYERS
    half_x_m = max(np.sqrt(ground_m2 / _BIN_SHAPE) / 2, 0.55 * float(dropped_m.max()))
    half = half_x_m * np.array([1.0, _BIN_SHAPE])
    room = np.clip(half - dropped_m[:, None] / 2, 0.1 * half, None)
    box = scenery.bin_on_table(half[0], half[1], _BIN_HEIGHT * half_x_m)
    return _layout(chosen, box, rng.uniform(-room, room), _INTO_BIN)


def _side(frame: int, sizes: Sizes, rng: np.random.Generator) -> Layout:
    chosen = _draw(len(sizes), int(rng.integers(4, 7)), rng)
    dropped_m = sizes.diameters_m[chosen]
    half_x_m = 0.55 * float(dropped_m.sum()) + 0.05
    deepest_m = float(dropped_m.max())
    middles_m = 1.1 * (np.cumsum(dropped_m) - dropped_m / 2) - 0.55 * dropped_m.sum()
    places_m = np.stack([middles_m, rng.uniform(-0.01, 0.01, len(chosen))], axis=1)
    ground, elevation_deg = (
        (scenery.shelf(half_x_m, max(0.15, 0.6 * deepest_m)), (3.0, 20.0)),
        (scenery.ledge(half_x_m, max(0.06, 0.3 * deepest_m)), (5.0, 20.0)),
        (scenery.ledge(half_x_m, max(0.2, deepest_m)), (1.0, 4.0)))[frame % 3]
    view = ViewRange(distance_m=(0.6, 0.9), elevation_deg=elevation_deg, azimuth_deg=(-115, -65))
    return _layout(chosen, ground, places_m, view, at_once=True)


def _layout(chosen: NDArray[np.int64], ground: scenery.Scenery, places_m: NDArray[np.float64],
            view: ViewRange, *, at_once: bool = False, apart: bool = False) -> Layout:
    return Layout(chosen=tuple(int(index) for index in chosen), scenery=ground,
                  places_m=places_m, at_once=at_once, apart=apart, view=view)


def _draw(objects: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return indices of objects, each once as far as they suffice."""
    return np.concatenate([rng.permutation(objects) for _ in range(-(-count // objects))])[:count]


_KINDS: dict[str, Callable[[int, Sizes, np.random.Generator], Layout]] = {
    SPACED: _spaced, PILE: _pile, MIXED_BIN: _mixed_bin, SINGLE_BIN: _single_bin, SIDE: _side}
