"""Readings that a depth camera loses at jumps of depth, and the steps of its depths."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from pointpng_core.geometry.depth_jumps import depth_edges

_JUMP_M, _JUMP_SIGMAS = 0.03, 8.0
"""Noise alone, of two pixels, makes no jump of 8 standard deviations."""
_REACH_PX = 6
_LEAST_EDGE_PIXELS = 500
_MOST_DEPTHS = 500_000
_CONTINUOUS = 0.3
"""Share of different depths in a wall from which on they are not in steps."""
_STORED_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class EdgeLoss:
    """`dropped_share` of the pixels beside a jump have no reading; `width_px` on both sides."""

    dropped_share: float
    width_px: float
    pixels: int


@dataclass(frozen=True, kw_only=True)
class DepthSteps:
    """Steps of depth: of inverse depth, or where those are hidden by it, of the stored unit."""

    quantum_per_m: float
    step_m: float
    depth_m: float
    stored: bool


class EdgeCounter:
    """Counts pixels without a reading beside jumps of depth."""

    def __init__(self) -> None:
        self._beside = self._lost_beside = self._lost_near = 0

    def add(self, depth_m: NDArray[np.floating], sigma_per_m: float) -> None:
        """Add an image (H, W), NaN without a reading; `sigma_per_m` is the noise of inverse depth.

        For the search for jumps, holes are filled with the nearest reading.
        """
        lost = ~(np.isfinite(depth_m) & (depth_m > 0))
        if lost.all():
            return
        distance, (rows, columns) = distance_transform_edt(lost, return_indices=True)
        filled_m = depth_m[rows, columns].astype(np.float32)
        edges = depth_edges(filled_m, _JUMP_M) & (distance <= _REACH_PX)
        edges &= depth_edges(1 / filled_m, _JUMP_SIGMAS * sigma_per_m)
        if not edges.any():
            return
        near = distance_transform_edt(~edges) <= _REACH_PX
        self._beside += int(edges.sum())
        self._lost_beside += int((edges & lost).sum())
        self._lost_near += int((near & lost).sum())

    def result(self) -> EdgeLoss | None:
        """Return the loss; None where there are too few jumps."""
        if self._beside < _LEAST_EDGE_PIXELS:
            return None
        return EdgeLoss(dropped_share=self._lost_beside / self._beside, pixels=self._beside,
                        width_px=2 * self._lost_near / self._beside)


class StepFinder:
    """Finds steps in the depths of walls."""

    def __init__(self) -> None:
        self._depths_m = np.empty(0)
        self._different: list[float] = []

    def add(self, depth_m: NDArray[np.floating]) -> None:
        """Add the measured depths (N,) of the pixels of a wall."""
        values = np.unique(depth_m)
        self._different.append(len(values) / max(len(depth_m), 1))
        if self._different[-1] < _CONTINUOUS and len(self._depths_m) < _MOST_DEPTHS:
            self._depths_m = np.union1d(self._depths_m, values)

    def result(self) -> DepthSteps | None:
        """Return the steps; None where depths are continuous."""
        if not self._different or np.median(self._different) >= _CONTINUOUS:
            return None
        kept = np.concatenate([[True], np.diff(self._depths_m) > 1e-6])
        depths_m = self._depths_m[kept]
        if len(depths_m) < 5:
            return None
        steps_m, inverse = np.diff(depths_m), -np.diff(1 / depths_m)
        depth_m, step_m = float(np.median(depths_m)), float(np.median(steps_m))
        stored = float((np.abs(steps_m / step_m - 1) < 0.02).mean()) > _STORED_SHARE
        if stored:
            return DepthSteps(quantum_per_m=step_m / depth_m ** 2, step_m=step_m, depth_m=depth_m,
                              stored=True)
        usual = inverse[np.abs(inverse / np.median(inverse) - 1) < 0.5]
        quantum = float(usual.mean())
        return DepthSteps(quantum_per_m=quantum, step_m=quantum * depth_m ** 2, depth_m=depth_m,
                          stored=False)
