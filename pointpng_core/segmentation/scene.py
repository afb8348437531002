"""The result of segmentation: segments, what they stand on, and the time it took."""

from dataclasses import dataclass, replace

import numpy as np

from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.segmentation.plane_detection import Plane
from pointpng_core.segmentation.support_choice import SupportChoice


@dataclass(frozen=True, kw_only=True)
class Segment:
    """The visible points of one object.

    `points` (N, 3) float32 are in the frame of the cloud; `indices` (N,) int64 are their rows of
    the cloud, ascending.
    """

    points: np.ndarray
    indices: np.ndarray

    def moved(self, T: np.ndarray) -> 'Segment':
        """Return the segment with its points moved by T (4, 4)."""
        return replace(self, points=transform(T, self.points).astype(np.float32))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The segments, largest first, what they stand on and why that, and milliseconds per stage.

    The stages are table, above, voxel, surface, split, gather and total, for an image parts in
    place of voxel, surface and split; those that were not reached are missing.
    """

    segments: tuple[Segment, ...]
    foreground: np.ndarray
    """Rows (F,) of the cloud that may belong to objects, ascending: those of the segments, of
    groups that are too large or too small to be one, and of noise."""
    support: SupportChoice
    stage_ms: dict[str, float]

    @property
    def plane(self) -> Plane | None:
        """Return the plane of the main support, None without one."""
        return self.support.plane

    def moved(self, T: np.ndarray) -> 'Scene':
        """Return the scene moved by T (4, 4)."""
        return replace(self, segments=tuple(segment.moved(T) for segment in self.segments),
                       support=self.support.moved(T))
