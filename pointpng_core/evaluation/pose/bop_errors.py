"""The pose errors of the BOP benchmark: MSSD, MSPD and VSD.

Definitions: Hodan et al., BOP Challenge 2020 on 6D Object Localization, section 2.2,
https://arxiv.org/abs/2009.07378. Lengths are metres here.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.geometry.rigid_motion import transform

Matrix = NDArray[np.float64]
Points = NDArray[np.floating]
Depth = NDArray[np.float32]

VISIBILITY_TOLERANCE_M = 0.015
"""Delta of BOP19: a surface is visible up to this far behind the measured one."""
_FEW_POINTS = 64


def mssd(points: Points, T_estimate: Matrix, T_truth: Matrix, symmetries: Matrix) -> float:
    """Return the maximum symmetry-aware surface distance, in the unit of the points.

    The largest distance of a model point (N, 3) between the estimated pose (4, 4) and the true
    one, the least of it over the object's symmetries (S, 4, 4).
    """
    return _symmetry_aware_maximum(lambda moved: moved, points, T_estimate, T_truth, symmetries)


def mspd(points: Points, T_estimate: Matrix, T_truth: Matrix, symmetries: Matrix,
         camera: PinholeCamera) -> float:
    """Return the maximum symmetry-aware projection distance in pixels; arguments as of `mssd`.

    It is infinite when a model point is not in front of the camera.
    """
    poses = np.concatenate([T_estimate[None], T_truth @ symmetries])
    if (poses[:, 2, :3] @ points.T + poses[:, 2, 3:] <= 0).any():
        return float('inf')
    return _symmetry_aware_maximum(camera.project, points, T_estimate, T_truth, symmetries)


def vsd(depth_m: Depth, estimate_m: Depth, truth_m: Depth, camera: PinholeCamera, *,
        tolerances_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the visible surface discrepancy (K,) for misalignment tolerances tau (K,).

    `depth_m` is the measured depth image (H, W), `estimate_m` and `truth_m` are those of the model
    alone at the estimated and the true pose, 0 where there is nothing. An unmeasured pixel counts
    as visible, as in BOP19. Of the pixels visible at either pose it is the share that is not
    visible at both or whose distances differ by tau or more; 1 where no pixel is visible.
    """
    drawn = (estimate_m > 0) | (truth_m > 0)
    lengths = camera.ray_lengths[drawn]
    measured, estimate, truth = (image[drawn] * lengths
                                 for image in (depth_m, estimate_m, truth_m))
    visible_truth = _visible(truth, measured)
    visible_estimate = _visible(estimate, measured) | (visible_truth & (estimate > 0))
    both, either = visible_truth & visible_estimate, visible_truth | visible_estimate
    if not either.any():
        return np.ones(len(tolerances_m))
    gaps = np.abs(truth[both] - estimate[both])
    wrong = (gaps >= tolerances_m[:, None]).sum(axis=1) + either.sum() - both.sum()
    return np.asarray(wrong / either.sum())


def _visible(surface: Depth, measured: Depth) -> NDArray[np.bool_]:
    """Return where a surface is seen: at its distances, unless something is in front of it."""
    return (surface > 0) & ((surface - measured <= VISIBILITY_TOLERANCE_M) | (measured == 0))


def _symmetry_aware_maximum(
        image_of: Callable[[Matrix], Matrix], points: Points, T_estimate: Matrix, T_truth: Matrix,
        symmetries: Matrix) -> float:
    """Return the least, over the symmetries, of the largest distance between images of a point.

    Few points bound the maximum from below; the motions with the lowest bounds are measured with
    all points, until no other one can be lower.
    """
    points = points.astype(np.float64)
    few = points[::max(1, len(points) // _FEW_POINTS)]

    def largest(chosen: Points, T: Matrix) -> float:
        gaps = image_of(transform(T, chosen)) - image_of(transform(T_estimate, chosen))
        return float(np.linalg.norm(gaps, axis=1).max())

    motions = T_truth @ symmetries
    bounds = np.array([largest(few, T) for T in motions])
    least = np.inf
    for index in np.argsort(bounds):
        if bounds[index] >= least:
            break
        least = min(least, largest(points, motions[index]))
    return float(least)
