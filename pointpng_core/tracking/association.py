"""Data association: the track of each segment, by distance from the expected surface."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
import torch

from pointpng_core.estimation.registration.icp import disc_distance
from pointpng_core.geometry.clouds import random_points
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.track import Track

SAMPLE = 64
"""Number of points of a segment for measuring its distance from a surface."""
MISSED_WEIGHT = 0.5
"""Weight of a track that was missed in the last frame, beside 1 for one that was posed."""
ON_SURFACE_DIAMETERS = 0.03
"""Points nearer than this to the surface lie on it: about the tolerance of a depth image."""


def associate(segments: Sequence[Segment], tracks: Sequence[Track], *, association_gate: float
              ) -> list[Track | None]:
    """Return the track of each segment, or None; every track has one segment at most.

    The assignment maximises the number of points, weighted by how close they are to the expected
    surface on average. The mean distance must be below `association_gate` diameters.
    """
    owners: list[Track | None] = [None] * len(segments)
    if not segments or not tracks:
        return owners
    samples = [sampled(segment) for segment in segments]
    gains = np.array([[_gain(segment, sample, track, association_gate) for track in tracks]
                      for segment, sample in zip(segments, samples)])
    for row, column in zip(*linear_sum_assignment(gains, maximize=True)):
        if gains[row, column] > 0:
            owners[row] = tracks[column]
    return owners


def sampled(segment: Segment) -> NDArray[np.float32]:
    """Return a subsample of the points (n, 3) of a segment, n <= SAMPLE."""
    return random_points(segment.points, min(SAMPLE, len(segment.points)))


def surface_share(points: NDArray[np.floating], T_camera_object: NDArray[np.float64],
                  reference: Reference) -> float:
    """Return the share of points (n, 3), camera frame, that lie on a posed reference."""
    distance_m = surface_distances(points, T_camera_object, reference)
    return float((distance_m < ON_SURFACE_DIAMETERS * reference.diameter_m).mean())


def surface_distances(points: NDArray[np.floating], T_camera_object: NDArray[np.float64],
                      reference: Reference) -> NDArray[np.float32]:
    """Return distances (n,) in metres of points (n, 3), camera frame, from a posed reference."""
    R, t = T_camera_object[:3, :3], T_camera_object[:3, 3]
    local = (points.astype(np.float64) - t) @ R - reference.centre
    queries = torch.from_numpy(local).to(reference.field.surface)[None]
    own = torch.zeros(1, dtype=torch.long, device=queries.device)
    distances: NDArray[np.float32] = disc_distance(reference.field, own, queries)[0].cpu().numpy()
    return distances


def _gain(segment: Segment, sample: NDArray[np.float32], track: Track, association_gate: float
          ) -> float:
    diameter_m = track.reference.diameter_m
    reach_m = association_gate * diameter_m
    # No point of an object is farther from its centre than its diameter: most pairs end here.
    if np.linalg.norm(sample.mean(axis=0) - track.expected_centre) > diameter_m + reach_m:
        return 0.0
    distance_m = surface_distances(sample, track.T_expected, track.reference)
    mean_m = float(np.minimum(distance_m, 2 * reach_m).mean())
    closeness = max(0.0, 1.0 - mean_m / reach_m) ** 2
    return closeness * len(segment.points) * (MISSED_WEIGHT if track.missed else 1.0)
