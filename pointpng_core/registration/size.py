"""Is what was seen as large as the reference? Much that looks alike differs in size alone."""

import torch
from torch import Tensor

from pointpng_core.registration.field import SurfaceField
from pointpng_core.registration.hypotheses import Hypotheses

EXPECTED = 0.1
"""Standard deviation of the misfit before anything was measured; of a turn, and of a shift in
diameters, too, for the pose is about right."""
INDEPENDENT = 64
"""Points of an observation whose errors are taken for independent: those of neighbours are not."""
OUTLIER = 4.0
"""Times the noise at which a point has lost most of its weight."""


def size_misfit(field: SurfaceField, hypotheses: Hypotheses, points: Tensor, *, noise_m: Tensor,
                diameter_m: Tensor) -> Tensor:
    """Return (H,) by how much the reference must grow to fit better, as a share of its size.

    points (H, n, 3) are each hypothesis's observation, about its centre; noise_m (H,) the error of
    one; diameter_m (H,) the reference's. A point-to-plane step (Chen and Medioni 1992) with the
    scale as a seventh unknown and a prior that it is right: a flat view, which tells nothing about
    size, gives 0.
    """
    moved = hypotheses.transform(points)
    nearest, normals = field.look_up(hypotheses.reference, moved)
    residual = ((moved - nearest) * normals).sum(-1) / noise_m[:, None]
    # In diameters, a turn, a shift and a growth by one are about equally much.
    gain = diameter_m / noise_m
    local = moved / diameter_m[:, None, None]
    rows = torch.cat((torch.linalg.cross(local, normals).transpose(1, 2), normals.transpose(1, 2),
                      (local * normals).sum(-1)[:, None]), dim=1)  # (H, 7, n)
    rows = rows * gain[:, None, None]
    weight = (1.0 + (residual / OUTLIER).square()).square().reciprocal()
    weighted = rows * (weight * (INDEPENDENT / points.shape[1]))[:, None]
    prior = torch.eye(7, dtype=points.dtype, device=points.device) / EXPECTED ** 2
    hessian = weighted @ rows.transpose(1, 2) + prior
    # The points would shrink by the factor by which the reference would grow.
    solution, _ = torch.linalg.solve_ex(hessian, weighted @ residual[..., None])
    return solution[:, 6, 0]
