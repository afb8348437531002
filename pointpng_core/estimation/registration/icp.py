"""Point-to-plane ICP of many hypotheses at once (Chen and Medioni 1992, robust weights)."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.reference.surface.voxel_lookup import Grids, SurfaceField

DAMPING = 1e-3
"""Share of the mean curvature added to all directions: keeps sliding directions still."""


def disc_distance(field: SurfaceField, reference: Tensor, queries: Tensor) -> Tensor:
    """Return distances (H, n) in metres of queries (H, n, 3) to discs at the surface points.

    A disc lies in the tangent plane of its point and is as wide as the sampling, so that a query
    on the surface between two samples has distance zero.
    """
    _, _, squared = _against_discs(field.grids(reference), field.reach[reference, None], queries)
    return squared.sqrt()


def _against_discs(grids: Grids, reach: Tensor, queries: Tensor
                   ) -> tuple[Tensor, Tensor, Tensor]:
    """Return distances along the normals (H, n), normals (H, n, 3), squared disc distances.

    reach (H, 1) is the radius of the discs, metres.
    """
    nearest, normals = grids.look_up(queries)
    offset = queries - nearest
    along = (offset * normals).sum(-1)
    squared = along.square()
    across = (offset.square().sum(-1) - squared).clamp_(min=0).sqrt_()
    beyond = across.sub_(reach).clamp_(min=0)
    return along, normals, squared.addcmul_(beyond, beyond)


def align(field: SurfaceField, hypotheses: Hypotheses, points: Tensor,
          tolerances_m: Sequence[Tensor], front_facing: FrontFacing | None = None) -> Hypotheses:
    """Return the hypotheses after one Gauss-Newton step per tolerance.

    points (H, n, 3): each hypothesis's observation, about its centroid. tolerances_m: for each
    step, the residual (H,) at which a point has lost most of its weight (Geman-McClure).
    `front_facing`: for single views, whose points lie on surfaces that face the camera.
    """
    grids, reach = field.grids(hypotheses.reference), field.reach[hypotheses.reference, None]
    for tolerance in tolerances_m:
        moved = hypotheses.transform(points)
        residual, normals, squared = _against_discs(grids, reach, moved)
        weight = squared.div_(tolerance[:, None].square()).add_(1.0).square_().reciprocal_()
        if front_facing:
            weight = weight * front_facing.weight(hypotheses, moved, normals)
        hypotheses = gauss_newton(hypotheses, moved, residual, normals, weight)
    return hypotheses


def gauss_newton(hypotheses: Hypotheses, moved: Tensor, residual: Tensor, normals: Tensor,
                 weight: Tensor) -> Hypotheses:
    """Return hypotheses after a step that minimises weighted residuals along normals.

    moved (H, n, 3) are the points at their present poses, normals (H, n, 3) those of the surface
    there, residual (H, n) in metres and weight (H, n).
    """
    rows = _rows(moved.transpose(1, 2), residual, normals.transpose(1, 2))
    products = (rows * weight[:, None]) @ rows.transpose(1, 2)
    twist = _solve(products[:, :6, :6], products[:, :6, 6])
    rotation = cayley(twist[:, :3])
    return hypotheses.moved(rotation @ hypotheses.R_reference_observation, torch.baddbmm(
        twist[:, 3:, None], rotation, hypotheses.t_reference_observation[..., None]).squeeze(-1))


def _rows(moved: Tensor, residual: Tensor, normals: Tensor) -> Tensor:
    """Return (H, 7, n) the rows of rotation, translation and residual, for (H, 3, n) and (H, n).

    One product of them gives Hessian and gradient.
    """
    rows = moved.new_empty(len(moved), 7, moved.shape[2])
    # Written in place, by components: torch.linalg.cross takes several times as long.
    for row, (j, k) in zip(rows[:, :3].unbind(1), ((1, 2), (2, 0), (0, 1))):
        torch.mul(moved[:, j], normals[:, k], out=row)
        row.addcmul_(moved[:, k], normals[:, j], value=-1.0)
    rows[:, 3:6], rows[:, 6] = normals, residual
    return rows


def cayley(omega: Tensor) -> Tensor:
    """Return rotations (H, 3, 3) about omega (H, 3) by 2 atan(|omega| / 2): I + s (K + K^2 / 2).

    Equals the exponential map up to third order and costs few operations, on a path where their
    number is the time.
    """
    generators, identity, _ = _constants(omega.dtype, omega.device)
    K = (omega @ generators).unflatten(-1, (3, 3))
    scaled = K / (1.0 + 0.25 * omega.square().sum(-1))[:, None, None]
    return torch.baddbmm(identity + scaled, scaled, K, alpha=0.5)


def _solve(hessian: Tensor, gradient: Tensor) -> Tensor:
    """Return the damped Gauss-Newton step (H, 6); rotation and translation damped in own units."""
    *_, damping = _constants(hessian.dtype, hessian.device)
    added = hessian.diagonal(dim1=1, dim2=2) @ damping + 1e-9  # (H, 6)
    step, _ = torch.linalg.solve_ex(hessian + torch.diag_embed(added), gradient)
    return -step


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # autograd may need the constants later
def _constants(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the map from omega to [omega]_x (3, 9), the identity (3, 3), the damping (6, 6).

    The damping takes the diagonal to its means over rotation and over translation, scaled.
    """
    cross = torch.stack([torch.linalg.cross(axis.expand(3, 3), torch.eye(3)).T.flatten()
                         for axis in torch.eye(3)])
    mean = torch.full((3, 3), DAMPING / 3)
    constants = cross, torch.eye(3), torch.block_diag(mean, mean)
    return tuple(part.to(device, dtype) for part in constants)  # type: ignore[return-value]
