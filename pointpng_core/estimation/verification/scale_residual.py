"""Whether an observation is as large as the reference: many objects differ in size alone."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.reference.surface.voxel_lookup import SurfaceField

EXPECTED = 0.1
"""Prior standard deviation of the scale residual, of a rotation in radians and of a shift in
diameters, for the pose is about right."""
INDEPENDENT = 64
"""Points of an observation whose errors count as independent: those of neighbours are not."""
OUTLIER = 4.0
"""Residual, in multiples of the noise, at which a point has lost most of its weight."""


def scale_residual(field: SurfaceField, hypotheses: Hypotheses, points: Tensor, *,
                   noise_m: NDArray[np.float64], diameter_m: NDArray[np.float64]
                   ) -> NDArray[np.float64]:
    """Return (H,) by how much the reference must grow to fit better, as a share of its size.

    points (H, n, 3) are each hypothesis's observation, about its centroid; noise_m (H,) the error
    of a point; diameter_m (H,) the reference's diameter. A point-to-plane step (Chen and Medioni
    1992) with the scale as a seventh unknown and a prior that it is right: a flat view, which
    carries no information about size, gives 0.
    """
    there = hypotheses.transform(points)
    nearest, normal = field.look_up(hypotheses.reference, there)
    # In arrays, whose small operations cost a third of those of tensors; all are (H, 3, n).
    moved, surface, normals = (part.transpose(1, 2).cpu().numpy()
                               for part in (there, nearest, normal))
    residual = ((moved - surface) * normals).sum(axis=1) / noise_m[:, None]
    # In diameters, a rotation, a shift and a growth by one move points about equally far.
    local = moved / diameter_m[:, None, None]
    y, z = [1, 2, 0], [2, 0, 1]
    rotation = local[:, y] * normals[:, z] - local[:, z] * normals[:, y]
    growth = (local * normals).sum(axis=1)[:, None]
    rows = np.concatenate((rotation, normals, growth), axis=1)  # (H, 7, n)
    rows *= (diameter_m / noise_m)[:, None, None]
    weight = INDEPENDENT / points.shape[1] / (1.0 + (residual / OUTLIER) ** 2) ** 2
    weighted = rows * weight[:, None]
    hessian = weighted @ rows.transpose(0, 2, 1) + np.eye(7) / EXPECTED ** 2
    # The points would shrink by the factor by which the reference would grow.
    solution = np.linalg.solve(hessian, weighted @ residual[..., None])
    return np.asarray(solution[:, 6, 0], dtype=np.float64)
