"""Gauss-Newton steps on exact neighbours: points onto the surface and, where both are whole, back.

Of two samples of one surface neither is the truer. What a sparse one says of a normal is wrong at
edges, so the residuals of both ways are taken, and weighted by how far the typical one goes: flat
parts, which agree, decide (iteratively reweighted least squares with the weights of Cauchy).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.registration.icp import gauss_newton

LookUp = Callable[[Hypotheses, Tensor], tuple[Tensor, Tensor]]
"""Nearest points and their normals (H, n, 3) for queries (H, n, 3)."""
SPREAD = 1.5 * 1.4826
"""Residual, over the median one, that halves a weight: 1.5 standard deviations of a normal law."""
LEAST_SCALE = 1e-6
"""Of the reach: residuals below this are rounding."""


@dataclass(frozen=True, kw_only=True)
class Counterparts:
    """What H hypotheses are registered on."""

    surface: LookUp
    """Of the references, about their centres."""
    cloud: LookUp | None = None
    """Of whole observations, about theirs; None: a view, which much of the surface is not in."""
    sample: Tensor | None = None
    """(H, k, 3) points of the surface that are looked for in the cloud."""
    reach_m: Tensor
    """(H, 1) pairs further apart than this are no correspondences."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Points at their present poses and what they should lie on, in the reference's frame."""

    at: Tensor
    """(H, n, 3)"""
    normals: Tensor
    """(H, n, 3)"""
    residual: Tensor
    """(H, n) along the normals, metres."""
    weight: Tensor
    """(H, n)"""

    @classmethod
    def of(cls, at: Tensor, others: Tensor, normals: Tensor, reach_m: Tensor) -> 'Pairs':
        """Return the pairs of points with others (H, n, 3), counted where they are in reach."""
        offset = at - others
        return cls(at=at, normals=normals, residual=(offset * normals).sum(-1),
                   weight=(offset.norm(dim=-1) < reach_m).to(at))

    def joined(self, other: 'Pairs') -> 'Pairs':
        """Return the pairs of both."""
        return Pairs(**{name: torch.cat((value, getattr(other, name)), dim=1)
                        for name, value in vars(self).items()})


def settle(hypotheses: Hypotheses, points: Tensor, counterparts: Counterparts, *, steps: int,
           front_facing: FrontFacing | None = None) -> Hypotheses:
    """Return hypotheses after some steps on all points (H, n, 3) of their observations."""
    for _ in range(steps):
        pairs = _onto_surface(hypotheses, points, counterparts, front_facing)
        if counterparts.cloud and counterparts.sample is not None:
            pairs = pairs.joined(_onto_cloud(hypotheses, counterparts.cloud, counterparts.sample,
                                             counterparts.reach_m))
            pairs.weight.mul_(typical(pairs.residual, pairs.weight, counterparts.reach_m))
        hypotheses = gauss_newton(hypotheses, pairs.at, pairs.residual, pairs.normals,
                                  pairs.weight)
    return hypotheses


def typical(residual: Tensor, weight: Tensor, reach_m: Tensor) -> Tensor:
    """Return (H, n) what residuals count: 1 / (1 + (r / s)^2), s by the median of what counts."""
    counted = residual.abs().masked_fill(weight == 0, torch.nan)
    scale = SPREAD * counted.nanmedian(dim=1, keepdim=True).values.nan_to_num(nan=0.0)
    scale = torch.maximum(scale, LEAST_SCALE * reach_m)
    return (1.0 + (residual / scale).square()).reciprocal()


def _onto_surface(hypotheses: Hypotheses, points: Tensor, counterparts: Counterparts,
                  front_facing: FrontFacing | None) -> Pairs:
    moved = hypotheses.transform(points)
    nearest, normals = counterparts.surface(hypotheses, moved)
    pairs = Pairs.of(moved, nearest, normals, counterparts.reach_m)
    if front_facing:
        pairs.weight.mul_(front_facing.kept(hypotheses, moved, normals))
    return pairs


def _onto_cloud(hypotheses: Hypotheses, cloud: LookUp, sample: Tensor, reach_m: Tensor) -> Pairs:
    # Into the observation's frame: x_o = R^T (x_r - t)
    queries = (sample - hypotheses.t[:, None]) @ hypotheses.R
    nearest, normals = cloud(hypotheses, queries)
    return Pairs.of(hypotheses.transform(nearest), sample,
                    normals @ hypotheses.R.transpose(1, 2), reach_m)
