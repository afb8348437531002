"""Is what was seen as large as the reference? Much that looks alike differs in size alone."""

import torch
from torch import Tensor

from pointpng_core.registration.field import SurfaceField
from pointpng_core.registration.hypotheses import Hypotheses

EXPECTED = 0.1
"""Standard deviation of the misfit before anything was measured."""
INDEPENDENT = 64
"""Points of an observation whose errors are taken for independent: those of neighbours are not."""
OUTLIER = 4.0
"""Times the noise at which a point has lost most of its weight."""


def size_misfit(field: SurfaceField, hypotheses: Hypotheses, points: Tensor, noise_m: Tensor
                ) -> Tensor:
    """Return (H,) by how much the reference must grow to fit better, as a share of its size.

    points (H, n, 3) are each hypothesis's observation, about its centre; noise_m (H,) the error of
    one. A point-to-plane step with the scale as a seventh unknown and a prior that it is right:
    a flat view, which tells nothing about size, gives 0.
    """
    moved = hypotheses.transform(points)
    nearest, normals = field.look_up(hypotheses.reference, moved)
    residual = ((moved - nearest) * normals).sum(-1)
    noise = noise_m[:, None].clamp(min=1e-9)
    weight = (1.0 + (residual / (OUTLIER * noise)).square()).square().reciprocal()
    jacobian = torch.cat((torch.linalg.cross(moved, normals), normals,
                          (moved * normals).sum(-1, keepdim=True)), dim=-1)  # (H, n, 7)
    # A unit of length for which rotations and scale weigh about as much as translations.
    unit = moved.norm(dim=-1).mean(dim=1).clamp(min=1e-9)
    scaling = torch.ones_like(jacobian[:, 0])
    scaling[:, [0, 1, 2, 6]] = 1.0 / unit[:, None]
    jacobian = jacobian * scaling[:, None]
    share = INDEPENDENT / points.shape[1] / noise.square()
    weighted = (jacobian * (weight * share)[..., None]).transpose(1, 2)
    hessian = weighted @ jacobian
    prior = torch.full_like(scaling, 1e-3) * hessian.diagonal(dim1=1, dim2=2).mean(1)[:, None]
    prior[:, 6] = (scaling[:, 6] / EXPECTED).square()
    step = torch.linalg.solve(hessian + torch.diag_embed(prior + 1e-12),
                              -(weighted @ residual[..., None]))
    # Points shrink by the factor by which the reference would grow.
    return -step[:, 6, 0] * scaling[:, 6]
