"""Robust ICP on exact neighbours: points to surface and, for full surfaces, the reverse.

Two samples of one surface are equally accurate, and the normals of a sparse one are wrong at
edges. So residuals are taken in both directions and weighted by the median residual: flat parts,
which agree, decide. Each step is a Gauss-Newton step of iteratively reweighted least squares
(IRLS) with Cauchy weights; in one direction all points within reach weigh the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.icp import gauss_newton
from pointpng_core.geometry.depth_noise import MAD_SIGMA
from pointpng_core.reference.surface.kd_tree import NEIGHBOURS
from pointpng_core.reference.surface.neighbour_graph import nearest_rows

LookUp = Callable[[Hypotheses, Tensor], tuple[Tensor, Tensor]]
"""Nearest points and their normals (H, n, 3) for queries (H, n, 3)."""
SPREAD = 1.5 * MAD_SIGMA
"""Residual, over the median one, that halves a weight: 1.5 standard deviations of a normal
distribution."""
MIN_SCALE = 1e-6
"""Share of the reach below which residuals are rounding."""


@dataclass(frozen=True, kw_only=True)
class Correspondences:
    """Where H hypotheses find the nearest neighbours of their points."""

    surface: LookUp
    """Neighbours on the references, about their centres."""
    cloud: LookUp | None = None
    """Neighbours in full surfaces, about their centroids; None for one direction only."""
    sample: Tensor | None = None
    """(H, k, 3) points of the references that are looked up in the cloud."""
    reach_m: Tensor
    """(H, 1) pairs further apart than this do not correspond."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Points at their present poses with their residuals, in the reference's frame."""

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
        """Return the pairs of points with others (H, n, 3), of weight 1 where within reach."""
        offset = at - others
        return cls(at=at, normals=normals, residual=(offset * normals).sum(-1),
                   weight=(offset.norm(dim=-1) < reach_m).to(at))

    def joined(self, other: 'Pairs') -> 'Pairs':
        """Return the pairs of both."""
        return Pairs(**{name: torch.cat((value, getattr(other, name)), dim=1)
                        for name, value in vars(self).items()})


def robust_icp(hypotheses: Hypotheses, points: Tensor, correspondences: Correspondences, *,
               steps: int, front_facing: FrontFacing | None = None) -> Hypotheses:
    """Return hypotheses after some steps on all points (H, n, 3) of their observations."""
    for _ in range(steps):
        pairs = _to_surface(hypotheses, points, correspondences, front_facing)
        if correspondences.cloud and correspondences.sample is not None:
            pairs = pairs.joined(_to_cloud(hypotheses, correspondences.cloud,
                                           correspondences.sample, correspondences.reach_m))
            pairs.weight.mul_(cauchy_weight(pairs.residual, pairs.weight,
                                            correspondences.reach_m))
        hypotheses = gauss_newton(hypotheses, pairs.at, pairs.residual, pairs.normals,
                                  pairs.weight)
    return hypotheses


def cauchy_weight(residual: Tensor, weight: Tensor, reach_m: Tensor) -> Tensor:
    """Return the weights (H, n) of residuals: 1 / (1 + (r / s)^2).

    s is SPREAD times the median residual of the points whose present weight is not zero.
    """
    counted = residual.abs().masked_fill(weight == 0, torch.nan)
    scale = SPREAD * counted.nanmedian(dim=1, keepdim=True).values.nan_to_num(nan=0.0)
    scale = torch.maximum(scale, MIN_SCALE * reach_m)
    return (1.0 + (residual / scale).square()).reciprocal()


def _to_surface(hypotheses: Hypotheses, points: Tensor, correspondences: Correspondences,
                front_facing: FrontFacing | None) -> Pairs:
    moved = hypotheses.transform(points)
    nearest, normals = correspondences.surface(hypotheses, moved)
    pairs = Pairs.of(moved, nearest, normals, correspondences.reach_m)
    if front_facing:
        pairs.weight.mul_(front_facing.kept(hypotheses, moved, normals))
    return pairs


def _to_cloud(hypotheses: Hypotheses, cloud: LookUp, sample: Tensor, reach_m: Tensor) -> Pairs:
    nearest, normals = cloud(hypotheses, hypotheses.inverse_transform(sample))
    return Pairs.of(hypotheses.transform(nearest), sample,
                    normals @ hypotheses.R_reference_observation.transpose(1, 2), reach_m)


@dataclass(frozen=True, kw_only=True)
class CloudNeighbours:
    """The sampled points of observations, about their centroids, with normals; without trees."""

    points: Tensor
    """(O, n, 3)"""
    normals: Tensor
    """(O, n, 3) unit, of either sign."""

    @classmethod
    def of(cls, observations: Observations) -> 'CloudNeighbours':
        """Fit the normals, on the device of the observations."""
        points = observations.points
        # A small cloud is repeated to fill its sample: one of equal neighbours is enough.
        copies = [-(-points.shape[1] // len(cloud)) for cloud in observations.clouds]
        return cls(points=points, normals=torch.stack([
            _normals(cloud, every) for cloud, every in zip(points, copies)]))

    def look_up(self, hypotheses: Hypotheses, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Return nearest points of the hypotheses' observations and normals (H, n, 3)."""
        points = self.points[hypotheses.observation]
        rows = nearest_rows(queries, points, 1).expand(-1, -1, 3)
        return points.gather(1, rows), self.normals[hypotheses.observation].gather(1, rows)


def _normals(points: Tensor, every: int) -> Tensor:
    """Return the least principal direction (n, 3) of the neighbours, one of `every` counted."""
    count = min(NEIGHBOURS * every, len(points))
    groups = points[nearest_rows(points, points, count)[:, ::every]]  # (n, k, 3)
    offsets = groups - groups.mean(dim=1, keepdim=True)
    return torch.linalg.eigh(offsets.transpose(1, 2) @ offsets)[1][..., 0]
