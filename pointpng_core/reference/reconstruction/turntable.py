"""How the object turned from look to look, and where the turn comes back to its beginning.

1. Each look is registered on the recent ones, from several turns about where the object stands.
2. Looks a whole turn apart show the same side: what is missing there is the drift, which is
   spread over the turn.
3. Every look is registered once more on all others, until all agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
import math

import numpy as np

from pointpng_core.reference.reconstruction.planar_icp import (
    Floats,
    Patch,
    PlanarFit,
    PlanarTarget,
    joined,
    planar,
    rotation_rad,
)
from pointpng_core.reference.reconstruction.views import Look

LEAST_STEP_RAD = math.radians(4.0)
"""Looks of a smaller turn show hardly anything new."""
NOTHING_NEW = 0.97
"""Overlap from which on a look that is hardly turned is left out."""
STARTS_RAD = tuple(math.radians(angle) for angle in (0, -10, 10, -20, 20))
"""Turns tried beside the one that goes on as before."""
SWEEP_M = (0.02, 0.015, 0.012, 0.009, 0.007, 0.006, 0.006)
SETTLE_M = (0.006, 0.005, 0.005, 0.005)
"""Distances within which points are partners, step by step."""
RECENT_RAD = math.radians(40.0)
"""Looks of a smaller turn away show much of the same side."""
SAME_SIDE_RAD = math.radians(50.0)
HELD = 0.03
"""Share of a turn's motion that shows, from which on the surface tells the turn."""
USUAL = 9
"""Steps whose median is the usual one."""
MERIT_M = 0.05
"""A residual larger by this counts as much as all of the overlap, of two places to choose from."""
LEAST_OVERLAP = 0.6
"""A look of which less lies on the recent ones is refused."""
ROUNDS = 3
TARGET_POINTS_M = 0.003
START_POINTS_M = 0.006
"""Fewer points are enough to tell which start leads to the best place."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedLook:
    """A look and where it belongs: T_object_table (4, 4), the frame of the first look's table."""

    look: Look
    T_object_table: Floats
    rotation_rad: float
    """All of the turn since the first look, not modulo a whole one."""
    fit: PlanarFit | None
    """On the looks before it; None of the first."""

    @property
    def patch(self) -> Patch:
        """Return its surface in the object's frame."""
        return self.look.patch.moved(self.T_object_table)


@dataclass(frozen=True, kw_only=True)
class LoopError:
    """What is missing when the turn comes back to its beginning, before it is spread."""

    rotation_deg: float
    shift_m: float


@dataclass(kw_only=True)
class Turning:
    """Looks placed one after the other."""

    placed: list[PlacedLook] = field(default_factory=list)
    still: int = 0
    """Looks that show hardly more than the one before, and are left out."""
    refused: int = 0
    """Looks that fit nowhere near the last one."""
    held: list[float] = field(default_factory=list)
    """How much each look but the first told of its turn."""

    @property
    def told_share(self) -> float:
        """Return the share of the looks whose turn the surface told."""
        return float(np.mean(np.array(self.held) > HELD)) if self.held else 0.0

    def add(self, look: Look) -> None:
        """Place the next look, if it fits."""
        if not self.placed:
            self.placed.append(PlacedLook(look=look, T_object_table=np.eye(4), rotation_rad=0.0,
                                          fit=None))
            return
        last, best = self.placed[-1], self._best_fit(look)
        if best.overlap < LEAST_OVERLAP:
            self.refused += 1
            return
        self.held.append(best.turn_held)
        step = rotation_rad(best.T_target_source @ np.linalg.inv(last.T_object_table))
        if abs(step) < LEAST_STEP_RAD and best.overlap > NOTHING_NEW:
            self.still += 1
            return
        self.placed.append(PlacedLook(look=look, T_object_table=best.T_target_source, fit=best,
                                      rotation_rad=last.rotation_rad + step))

    def _best_fit(self, look: Look) -> PlanarFit:
        last = self.placed[-1]
        target = PlanarTarget(joined([other.patch for other in self._recent(last.rotation_rad)])
                              .thinned(TARGET_POINTS_M))
        going_on = self._going_on(look.time_s - last.look.time_s)
        expected = rotation_rad(going_on)
        few = look.patch.thinned(START_POINTS_M)
        fits = [target.fit(few, start, tolerances_m=SWEEP_M, expected_rad=expected)
                for start in self._starts(going_on)]
        best = max(fits, key=_merit)
        # What tells its turn itself is not held back by what was expected.
        return target.fit(look.patch, best.T_target_source, tolerances_m=SETTLE_M,
                          expected_rad=None if best.turn_held > HELD else expected)

    def _recent(self, about_rad: float) -> list[PlacedLook]:
        return [other for other in self.placed if abs(other.rotation_rad - about_rad) < RECENT_RAD]

    def _going_on(self, after_s: float) -> Floats:
        """Return the pose (4, 4) of an object that turns on as it did of late."""
        last = self.placed[-1]
        return planar(self._usual_rate() * after_s, _middle(last.patch)) @ last.T_object_table

    def _usual_rate(self) -> float:
        """Return the usual turn a second while the surface told the turn; 0 at first."""
        rates = [(after.rotation_rad - before.rotation_rad) / (after.look.time_s - before.look.time_s)
                 for before, after in pairwise(self.placed)
                 if after.fit and after.fit.turn_held > HELD
                 and after.look.time_s > before.look.time_s]
        return float(np.median(rates[-USUAL:])) if rates else 0.0

    def _starts(self, going_on: Floats) -> list[Floats]:
        """Return poses (4, 4) to start from: the usual turn, and others beside it."""
        middle = _middle(self.placed[-1].look.patch.moved(going_on))
        return [planar(angle, middle) @ going_on for angle in STARTS_RAD]


def _merit(fit: PlanarFit) -> float:
    return fit.overlap - fit.residual_m / MERIT_M


def _middle(patch: Patch) -> Floats:
    """Return the middle (2,) of the box around a patch, seen from above."""
    points = patch.points[:, :2]
    middle: Floats = (points.min(axis=0) + points.max(axis=0)) / 2
    return middle


def close_loop(placed: Sequence[PlacedLook]) -> tuple[list[PlacedLook], LoopError | None]:
    """Return the looks with the drift of a whole turn spread over it; None: no whole turn."""
    first, last = placed[0], placed[-1]
    whole = 2 * math.pi * round((last.rotation_rad - first.rotation_rad) / (2 * math.pi))
    same_side = [other for other in placed if abs(other.rotation_rad + whole - last.rotation_rad)
                 < SAME_SIDE_RAD]
    if not whole or not same_side:
        return list(placed), None
    target = PlanarTarget(joined([other.patch for other in same_side]).thinned(TARGET_POINTS_M))
    fit = target.fit(last.look.patch, last.T_object_table, tolerances_m=SWEEP_M)
    if fit.overlap < LEAST_OVERLAP:
        return list(placed), None
    middle = _middle(joined([other.patch for other in placed]))
    error = fit.T_target_source @ np.linalg.inv(last.T_object_table)
    shift = (error @ np.append(middle, (0.0, 1.0)))[:2] - middle
    told = LoopError(rotation_deg=abs(math.degrees(rotation_rad(error))),
                     shift_m=float(np.linalg.norm(shift)))
    spread = [_nudged(look, (look.rotation_rad - first.rotation_rad) / (last.rotation_rad - first.rotation_rad),
                      rotation_rad(error), middle, shift) for look in placed]
    return spread, told


def _nudged(look: PlacedLook, share: float, turn: float, middle: Floats, shift: Floats
            ) -> PlacedLook:
    T = planar(share * turn, middle, share * shift) @ look.T_object_table
    return replace(look, T_object_table=T)


def settle(placed: Sequence[PlacedLook], *, rounds: int = ROUNDS,
           report: Callable[[int, int], None] = lambda done, rounds: None
           ) -> list[PlacedLook]:
    """Return the looks, each registered on all others that show the same side."""
    looks = list(placed)
    for done in range(rounds):
        patches = [look.patch.thinned(TARGET_POINTS_M) for look in looks]
        for row, look in enumerate(looks):
            others = [patches[other] for other in range(len(looks))
                      if other != row and _same_side(looks[other], look)]
            if others:
                fit = PlanarTarget(joined(others).thinned(TARGET_POINTS_M)).fit(
                    look.look.patch, look.T_object_table, tolerances_m=SETTLE_M)
                looks[row] = replace(look, T_object_table=fit.T_target_source)
                patches[row] = looks[row].patch.thinned(TARGET_POINTS_M)
        report(done + 1, rounds)
    return looks


def _same_side(a: PlacedLook, b: PlacedLook) -> bool:
    between = (a.rotation_rad - b.rotation_rad + math.pi) % (2 * math.pi) - math.pi
    return abs(between) < SAME_SIDE_RAD
