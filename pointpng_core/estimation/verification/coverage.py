"""How much of the surface that a pose predicts was measured: in a view, and on a surface."""

from dataclasses import dataclass
from functools import cached_property
import math
from typing import Protocol

import torch
from torch import Tensor

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.verification.depth_images import DepthImages
from pointpng_core.reference.batch import ReferenceStack

UNSEEN_WEIGHT = 0.5
"""Weight of a visible model point against a pose where the camera measured nothing."""
GAP_POINTS = 256
"""Points of a surface of which the typical gap is measured."""


class Coverage(Protocol):
    """Measures how much of the surface was found, for one kind of observation."""

    def __call__(self, hypotheses: Hypotheses, tolerance_m: Tensor, *, probes: int | None,
                 points: int) -> tuple[Tensor, Tensor | None]:
        """Return (H,) the share of the expected surface that was measured.

        Also returns (H, K) the distance in metres from each probe to the nearest measured point,
        where missing surface counts as deviation, else None. tolerance_m (H,); `probes` are the
        leading probes of a reference that are used, None for all; `points` those of a cloud.
        """


@dataclass(frozen=True, kw_only=True)
class ViewCoverage:
    """Coverage in single views: a probe counts where the camera should see it."""

    images: DepthImages
    stack: ReferenceStack

    def __call__(self, hypotheses: Hypotheses, tolerance_m: Tensor, *, probes: int | None,
                 points: int) -> tuple[Tensor, Tensor | None]:
        """Return (H,) the share of visible probes that were measured, and None."""
        stack = self.stack.with_probes(probes)
        return view_coverage(hypotheses, self.images, stack, tolerance_m), None


@dataclass(frozen=True, kw_only=True)
class SurfaceCoverage:
    """Coverage of surfaces seen from several sides: every probe should have a point nearby."""

    points: Tensor
    """(O, n, 3) sampled points of the observations, about their centroids."""
    stack: ReferenceStack
    missing_deviates: bool
    """Whether missing surface makes a pose less likely; it does not for a partial surface."""

    def __call__(self, hypotheses: Hypotheses, tolerance_m: Tensor, *, probes: int | None,
                 points: int) -> tuple[Tensor, Tensor | None]:
        """Return (H,) the share of probes with a point nearby, and their distances (H, K)."""
        missing = probe_distances(hypotheses, self.points[:, :points],
                                  self.stack.with_probes(probes))
        # The gaps of a sampled surface shrink with the root of the number of samples.
        gap = self._gap * math.sqrt(GAP_POINTS / points)
        share = full_coverage(missing, tolerance_m + gap[hypotheses.observation])
        return share, missing if self.missing_deviates else None

    @cached_property
    def _gap(self) -> Tensor:
        """Return (O,) the typical distance between neighbours, metres.

        A point of the sampled surface lies about that far from its nearest sample.
        """
        points = self.points[:, :GAP_POINTS]
        distances = torch.cdist(points, points)
        distances.diagonal(dim1=1, dim2=2).fill_(torch.inf)
        return distances.amin(dim=2).median(dim=1).values


def view_coverage(hypotheses: Hypotheses, images: DepthImages, stack: ReferenceStack,
                  tolerance_m: Tensor) -> Tensor:
    """Return (H,) the share of probes visible to the camera that it measured at their depth.

    A probe counts against a pose when something was measured behind it, and UNSEEN_WEIGHT when
    nothing was measured there; an occluded probe does not count.
    """
    reference, observation = hypotheses.reference, hypotheses.observation
    camera = hypotheses.transform(-images.centroid[observation, None])  # (H, 1, 3)
    nearest = (stack.directions[reference] @ camera.transpose(1, 2)).squeeze(-1).argmax(dim=1)
    expected = stack.visible[reference, nearest]  # (H, K)
    points = hypotheses.inverse_transform(stack.probes[reference])
    depth, near, far = images.look_up(observation, points)
    tolerance = tolerance_m[:, None]
    # Where nothing of the observation itself was measured, far is -inf.
    explained = (depth > near - tolerance) & (depth < torch.maximum(near, far) + tolerance)
    # Where something was measured, every probe counts that is not occluded by another object.
    counts = (depth < near + tolerance) | (far > -torch.inf)
    weight = torch.where(near == torch.inf, UNSEEN_WEIGHT, counts.to(depth)) * expected
    return (explained & expected).sum(1) / weight.sum(1).clamp(min=1.0)


def probe_distances(hypotheses: Hypotheses, clouds: Tensor, stack: ReferenceStack) -> Tensor:
    """Return (H, K) the distance in metres from each probe to the nearest point of its cloud.

    clouds (O, n, 3) about the centroids of the observations.
    """
    points = hypotheses.inverse_transform(stack.probes[hypotheses.reference])
    # By products, and roots of the least squares alone: the table of all pairs is large.
    near = clouds[hypotheses.observation]
    products = torch.baddbmm(near.square().sum(-1)[:, None], points, near.transpose(1, 2),
                             alpha=-2.0)
    return (products.amin(-1) + points.square().sum(-1)).clamp_(min=0).sqrt_()


def full_coverage(distance: Tensor, tolerance_m: Tensor) -> Tensor:
    """Return (H,) the share of probes that have a point nearby, given distances (H, K)."""
    return torch.sigmoid(6.0 * (1.0 - distance / tolerance_m[:, None])).mean(1)
