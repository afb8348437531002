"""Point-to-plane ICP of many hypotheses at once (Chen and Medioni 1992, robust weights)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pointpng_core.registration.field import SurfaceField
from pointpng_core.registration.hypotheses import Hypotheses

DAMPING = 1e-3
"""Share of the mean curvature added to all directions: keeps sliding directions still."""


def disc_distance(field: SurfaceField, reference: Tensor, queries: Tensor) -> Tensor:
    """Return distances (H, n) of queries (H, n, 3) to discs that stand for the surface points.

    A disc lies in the tangent plane of its point and is as wide as the sampling, so that a query
    on the surface between two samples has distance zero.
    """
    _, _, squared = _against_discs(field, reference, queries)
    return squared.sqrt()


def _against_discs(field: SurfaceField, reference: Tensor, queries: Tensor
                   ) -> tuple[Tensor, Tensor, Tensor]:
    """Return distances along the normals (H, n), normals (H, n, 3), squared disc distances."""
    nearest, normals = field.look_up(reference, queries)
    offset = queries - nearest
    along = (offset * normals).sum(-1)
    across = (offset.square().sum(-1) - along.square()).clamp(min=0).sqrt()
    beyond = (across - field.reach[reference, None]).clamp(min=0)
    return along, normals, along.square() + beyond.square()


def align(field: SurfaceField, hypotheses: Hypotheses, points: Tensor,
          tolerances_m: Sequence[Tensor]) -> Hypotheses:
    """Return the hypotheses after one Gauss-Newton step per tolerance.

    points (H, n, 3): each hypothesis's observation, about its centre. tolerances_m: for each step,
    the residual (H,) at which a point has lost most of its weight (Geman-McClure).
    """
    for tolerance in tolerances_m:
        hypotheses = _step(field, hypotheses, points, tolerance)
    return hypotheses


def _step(field: SurfaceField, hypotheses: Hypotheses, points: Tensor, tolerance: Tensor
          ) -> Hypotheses:
    moved = hypotheses.transform(points)
    residual, normals, squared = _against_discs(field, hypotheses.reference, moved)
    weight = (1.0 + squared / tolerance[:, None].square()).square().reciprocal()
    return gauss_newton(hypotheses, moved, residual, normals, weight)


def gauss_newton(hypotheses: Hypotheses, moved: Tensor, residual: Tensor, normals: Tensor,
                 weight: Tensor) -> Hypotheses:
    """Return hypotheses after a step that makes weighted residuals along normals least.

    moved (H, n, 3) are the points at their present poses, normals (H, n, 3) those of the surface
    there, residual and weight (H, n).
    """
    jacobian = torch.cat((torch.linalg.cross(moved, normals), normals), dim=-1)  # (H, n, 6)
    weighted = (jacobian * weight[..., None]).transpose(1, 2)
    twist = _solve(weighted @ jacobian, (weighted @ residual[..., None]).squeeze(-1))
    turn = cayley(twist[:, :3])
    return hypotheses.moved(turn @ hypotheses.R,
                            (turn @ hypotheses.t[..., None]).squeeze(-1) + twist[:, 3:])


def cayley(omega: Tensor) -> Tensor:
    """Return rotations (H, 3, 3) about omega (H, 3) by 2 atan(|omega| / 2): I + s (K + K^2 / 2).

    Equals the exponential up to third order and costs a few operations, on a path where their
    number is the time.
    """
    x, y, z = omega.unbind(-1)
    zero = torch.zeros_like(x)
    K = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), dim=-1).unflatten(-1, (3, 3))
    scale = 4.0 / (4.0 + omega.square().sum(-1))
    identity = torch.eye(3, dtype=omega.dtype, device=omega.device)
    return identity + scale[:, None, None] * (K + 0.5 * K @ K)


def _solve(hessian: Tensor, gradient: Tensor) -> Tensor:
    """Return the damped Gauss-Newton step (H, 6); rotation and translation damped in own units."""
    diagonal = hessian.diagonal(dim1=1, dim2=2)  # (H, 6)
    means = [part.mean(dim=1, keepdim=True).expand(-1, 3) for part in diagonal.split(3, dim=1)]
    mean = torch.cat(means, dim=1)
    damped = hessian + torch.diag_embed(DAMPING * mean + 1e-9)
    factor, _ = torch.linalg.cholesky_ex(damped)
    return -torch.cholesky_solve(gradient[..., None], factor).squeeze(-1)
