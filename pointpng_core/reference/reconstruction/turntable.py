"""The rotation of an object from view to view, and the loop closure after a whole rotation.

1. Each view is registered onto the recent ones, from several initial rotations.
2. Views a whole rotation apart show the same side: the error between them is the drift, which is
   distributed over the rotation.
3. Every view is registered again onto all others that show the same side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
import math

import numpy as np

from pointpng_core.reference.reconstruction.planar_icp import (
    Floats,
    PlanarFit,
    PlanarTarget,
    SurfacePatch,
    concatenated,
    planar,
    rotation_rad,
)
from pointpng_core.reference.reconstruction.views import View

MIN_STEP_RAD = math.radians(4.0)
"""Views of a smaller rotation show hardly anything new."""
MAX_OVERLAP = 0.97
"""Overlap above which a view with a small rotation is left out."""
START_OFFSETS_RAD = tuple(math.radians(angle) for angle in (0, -10, 10, -20, 20))
"""Initial rotations relative to the predicted one."""
SWEEP_M = (0.02, 0.015, 0.012, 0.009, 0.007, 0.006, 0.006)
REFINE_M = (0.006, 0.005, 0.005, 0.005)
"""Correspondence distances, step by step."""
RECENT_RAD = math.radians(40.0)
"""Views within this rotation show much of the same side."""
SAME_SIDE_RAD = math.radians(50.0)
MIN_OBSERVABILITY = 0.03
"""Observability above which the rotation is determined by the surface."""
RATE_WINDOW = 9
"""Steps over which the rotation rate is a median."""
MERIT_M = 0.05
"""In the score of a fit, a residual of this size cancels an overlap of 1."""
MIN_OVERLAP = 0.6
"""A view with a smaller overlap with the recent ones is rejected."""
ROUNDS = 3
TARGET_POINTS_M = 0.003
START_POINTS_M = 0.006
"""Fewer points are enough to choose the best initial rotation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedView:
    """A view and T_object_table (4, 4), its pose; the object frame is that of the first view."""

    view: View
    T_object_table: Floats
    rotation_rad: float
    """Total rotation since the first view, not modulo 2 pi."""
    fit: PlanarFit | None
    """Registration onto the views before it; None for the first."""

    @property
    def patch(self) -> SurfacePatch:
        """Return its surface in the object's frame."""
        return self.view.patch.moved(self.T_object_table)


@dataclass(frozen=True, kw_only=True)
class LoopError:
    """The error after a whole rotation, before it is distributed."""

    rotation_deg: float
    shift_m: float


@dataclass(kw_only=True)
class TurntableTracker:
    """Registers views one after the other."""

    placed: list[PlacedView] = field(default_factory=list)
    still: int = 0
    """Number of views left out because they show hardly anything new."""
    refused: int = 0
    """Number of views rejected because they do not overlap enough."""
    observabilities: list[float] = field(default_factory=list)
    """Observability of the rotation of each view but the first."""

    @property
    def observable_share(self) -> float:
        """Return the share of the views whose rotation is observable."""
        observable = np.array(self.observabilities) > MIN_OBSERVABILITY
        return float(np.mean(observable)) if self.observabilities else 0.0

    def add(self, view: View) -> None:
        """Register the next view, if it fits."""
        if not self.placed:
            self.placed.append(PlacedView(view=view, T_object_table=np.eye(4), rotation_rad=0.0,
                                          fit=None))
            return
        last, best = self.placed[-1], self._best_fit(view)
        if best.overlap < MIN_OVERLAP:
            self.refused += 1
            return
        self.observabilities.append(best.rotation_observability)
        step = rotation_rad(best.T_target_source @ np.linalg.inv(last.T_object_table))
        if abs(step) < MIN_STEP_RAD and best.overlap > MAX_OVERLAP:
            self.still += 1
            return
        self.placed.append(PlacedView(view=view, T_object_table=best.T_target_source, fit=best,
                                      rotation_rad=last.rotation_rad + step))

    def _best_fit(self, view: View) -> PlanarFit:
        last = self.placed[-1]
        recent = [other.patch for other in self._recent(last.rotation_rad)]
        target = PlanarTarget(concatenated(recent).downsampled(TARGET_POINTS_M))
        predicted = self._predicted(view.time_s - last.view.time_s)
        expected = rotation_rad(predicted)
        few = view.patch.downsampled(START_POINTS_M)
        fits = [target.fit(few, start, tolerances_m=SWEEP_M, expected_rad=expected)
                for start in self._starts(predicted)]
        best = max(fits, key=_score)
        # An observable rotation needs no prior.
        observable = best.rotation_observability > MIN_OBSERVABILITY
        return target.fit(view.patch, best.T_target_source, tolerances_m=REFINE_M,
                          expected_rad=None if observable else expected)

    def _recent(self, about_rad: float) -> list[PlacedView]:
        return [other for other in self.placed if abs(other.rotation_rad - about_rad) < RECENT_RAD]

    def _predicted(self, after_s: float) -> Floats:
        """Return the pose (4, 4) after some time at the median rotation rate."""
        last = self.placed[-1]
        rotation = planar(self._median_rate_rad_s() * after_s, _middle(last.patch))
        return rotation @ last.T_object_table

    def _median_rate_rad_s(self) -> float:
        """Return the median rotation rate of the last observable steps; 0 without any."""
        rates = [(after.rotation_rad - before.rotation_rad)
                 / (after.view.time_s - before.view.time_s)
                 for before, after in pairwise(self.placed)
                 if after.fit and after.fit.rotation_observability > MIN_OBSERVABILITY
                 and after.view.time_s > before.view.time_s]
        return float(np.median(rates[-RATE_WINDOW:])) if rates else 0.0

    def _starts(self, predicted: Floats) -> list[Floats]:
        """Return initial poses (4, 4): the predicted one, and others rotated from it."""
        middle = _middle(self.placed[-1].view.patch.moved(predicted))
        return [planar(angle, middle) @ predicted for angle in START_OFFSETS_RAD]


def _score(fit: PlanarFit) -> float:
    return fit.overlap - fit.residual_m / MERIT_M


def _middle(patch: SurfacePatch) -> Floats:
    """Return the middle (2,) of the box around a patch, along the table."""
    points = patch.points[:, :2]
    middle: Floats = (points.min(axis=0) + points.max(axis=0)) / 2
    return middle


def close_loop(placed: Sequence[PlacedView]) -> tuple[list[PlacedView], LoopError | None]:
    """Return the views with the drift distributed, and the drift, None without a loop."""
    first, last = placed[0], placed[-1]
    whole = 2 * math.pi * round((last.rotation_rad - first.rotation_rad) / (2 * math.pi))
    same_side = [other for other in placed if abs(other.rotation_rad + whole - last.rotation_rad)
                 < SAME_SIDE_RAD]
    if not whole or not same_side:
        return list(placed), None
    beginning = concatenated([other.patch for other in same_side])
    target = PlanarTarget(beginning.downsampled(TARGET_POINTS_M))
    fit = target.fit(last.view.patch, last.T_object_table, tolerances_m=SWEEP_M)
    if fit.overlap < MIN_OVERLAP:
        return list(placed), None
    middle = _middle(concatenated([other.patch for other in placed]))
    error = fit.T_target_source @ np.linalg.inv(last.T_object_table)
    shift = (error @ np.append(middle, (0.0, 1.0)))[:2] - middle
    loop = LoopError(rotation_deg=abs(math.degrees(rotation_rad(error))),
                     shift_m=float(np.linalg.norm(shift)))
    total_rad = last.rotation_rad - first.rotation_rad
    corrected = [_corrected(view, (view.rotation_rad - first.rotation_rad) / total_rad,
                            rotation_rad(error), middle, shift) for view in placed]
    return corrected, loop


def _corrected(view: PlacedView, share: float, error_rad: float, middle: Floats, shift: Floats
               ) -> PlacedView:
    T = planar(share * error_rad, middle, share * shift) @ view.T_object_table
    return replace(view, T_object_table=T)


def refine_all(placed: Sequence[PlacedView], *, rounds: int = ROUNDS,
               report: Callable[[int, int], None] = lambda done, rounds: None
               ) -> list[PlacedView]:
    """Return the views, each registered onto all others that show the same side."""
    views = list(placed)
    for done in range(rounds):
        patches = [view.patch.downsampled(TARGET_POINTS_M) for view in views]
        for row, view in enumerate(views):
            others = [patches[other] for other in range(len(views))
                      if other != row and _same_side(views[other], view)]
            if others:
                fit = PlanarTarget(concatenated(others).downsampled(TARGET_POINTS_M)).fit(
                    view.view.patch, view.T_object_table, tolerances_m=REFINE_M)
                views[row] = replace(view, T_object_table=fit.T_target_source)
                patches[row] = views[row].patch.downsampled(TARGET_POINTS_M)
        report(done + 1, rounds)
    return views


def _same_side(a: PlacedView, b: PlacedView) -> bool:
    between = (a.rotation_rad - b.rotation_rad + math.pi) % (2 * math.pi) - math.pi
    return abs(between) < SAME_SIDE_RAD
