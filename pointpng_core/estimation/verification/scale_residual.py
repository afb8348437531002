"""Is what was seen as large as the reference? Much that looks alike differs in size alone."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.reference.surface.voxel_lookup import SurfaceField

EXPECTED = 0.1
"""Standard deviation of the misfit before anything was measured; of a turn, and of a shift in
diameters, too, for the pose is about right."""
INDEPENDENT = 64
"""Points of an observation whose errors are taken for independent: those of neighbours are not."""
OUTLIER = 4.0
"""Times the noise at which a point has lost most of its weight."""


def scale_residual(field: SurfaceField, hypotheses: Hypotheses, points: Tensor, *,
                noise_m: NDArray[np.float64], diameter_m: NDArray[np.float64]
                ) -> NDArray[np.float64]:
    """Return (H,) by how much the reference must grow to fit better, as a share of its size.

    points (H, n, 3) are each hypothesis's observation, about its centre; noise_m (H,) the error of
    one; diameter_m (H,) the reference's. A point-to-plane step (Chen and Medioni 1992) with the
    scale as a seventh unknown and a prior that it is right: a flat view, which tells nothing about
    size, gives 0.
    """
    there = hypotheses.transform(points)
    nearest, normal = field.look_up(hypotheses.reference, there)
    # In arrays, whose small operations cost a third of those of tensors; all are (H, 3, n).
    moved, surface, normals = (part.transpose(1, 2).cpu().numpy()
                               for part in (there, nearest, normal))
    residual = ((moved - surface) * normals).sum(axis=1) / noise_m[:, None]
    # In diameters, a turn, a shift and a growth by one are about equally much.
    local = moved / diameter_m[:, None, None]
    y, z = [1, 2, 0], [2, 0, 1]
    turns = local[:, y] * normals[:, z] - local[:, z] * normals[:, y]
    growth = (local * normals).sum(axis=1)[:, None]
    rows = np.concatenate((turns, normals, growth), axis=1)  # (H, 7, n)
    rows *= (diameter_m / noise_m)[:, None, None]
    weight = INDEPENDENT / points.shape[1] / (1.0 + (residual / OUTLIER) ** 2) ** 2
    weighted = rows * weight[:, None]
    hessian = weighted @ rows.transpose(0, 2, 1) + np.eye(7) / EXPECTED ** 2
    # The points would shrink by the factor by which the reference would grow.
    solution = np.linalg.solve(hessian, weighted @ residual[..., None])
    return np.asarray(solution[:, 6, 0], dtype=np.float64)
