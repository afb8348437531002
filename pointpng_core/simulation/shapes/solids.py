"""Solids as signed distance functions: combine them freely, the surface stays closed and clean."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Solid:
    """A solid body in metres.

    `distance` maps points (N, 3) to signed distances (N,), negative inside; away from the
    surface a lower bound of the true distance is enough. `low` and `high` (3,) enclose the body.
    """

    distance: Callable[[Floats], Floats]
    low: Floats
    high: Floats

    def __or__(self, other: 'Solid') -> 'Solid':
        """Union."""
        return Solid(distance=lambda p: np.minimum(self.distance(p), other.distance(p)),
                     low=np.minimum(self.low, other.low), high=np.maximum(self.high, other.high))

    def __sub__(self, other: 'Solid') -> 'Solid':
        """Difference: this body without the other."""
        return Solid(distance=lambda p: np.maximum(self.distance(p), -other.distance(p)),
                     low=self.low, high=self.high)

    def blended(self, other: 'Solid', *, radius_m: float) -> 'Solid':
        """Union with a fillet of about `radius_m` along the seam (Quilez' polynomial minimum)."""
        def distance(points: Floats) -> Floats:
            a, b = self.distance(points), other.distance(points)
            overlap = np.clip(radius_m - np.abs(a - b), 0, None)
            blend: Floats = np.minimum(a, b) - overlap ** 2 / (4 * radius_m)
            return blend
        return Solid(distance=distance, low=np.minimum(self.low, other.low) - radius_m / 4,
                     high=np.maximum(self.high, other.high) + radius_m / 4)

    def moved(self, T_target_source: Floats) -> 'Solid':
        """The body carried by a rigid transform (4, 4)."""
        R, t = T_target_source[:3, :3], T_target_source[:3, 3]
        corners = np.array(np.meshgrid(*zip(self.low, self.high))).reshape(3, -1).T @ R.T + t
        return Solid(distance=lambda p: self.distance((p - t) @ R),
                     low=corners.min(axis=0), high=corners.max(axis=0))
