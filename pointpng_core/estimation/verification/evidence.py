"""How well a pose explains what was measured, and what should have been measured but was not."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.verification.depth_images import DepthImages
from pointpng_core.reference.batch import ReferenceStack

UNSEEN_WEIGHT = 0.5
"""How much a visible model point counts against a pose where the camera measured nothing."""
WORST_SHARE, WORST_WEIGHT = 0.01, 0.2
"""The worst points, and what their distance counts beside the mean of all: two poses of furniture
that differ by a handle differ in few points, which noise and sampling alone never put so far."""
STRAY_DIAMETERS = 0.1
"""A point further off belongs to something else, wherever exactly it is."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """For and against each of H hypotheses."""

    residual_m: Tensor
    """(H,) mean distance of the observation's points to the surface, truncated."""
    inlier_share: Tensor
    """(H,) of the observation's points within the tolerance of the surface."""
    coverage: Tensor
    """(H,) of the surface that should be visible and was found where it should be."""
    deviation: Tensor
    """(H,) how far surface and points lie apart, in mean and worst, as minus log-likelihood."""
    likelihood_ratio: Tensor
    """(H,) likelihood of the deviation over that of the observation's likeliest pose, for which
    it is 1. Poses that explain a cloud about as well within the tolerance may differ in this."""

    @property
    def score(self) -> Tensor:
        """Return (H,) in [0, 1]; -1 for what was taken out."""
        return self.inlier_share * self.coverage * self.likelihood_ratio

    @property
    def support(self) -> Tensor:
        """Return (H,) the logarithm of the score with the odds not yet over anything.

        -inf for what was taken out.
        """
        return (self.inlier_share * self.coverage).clamp(min=0).log() - self.deviation

    def take(self, index: Tensor) -> 'Evidence':
        """Return the evidence of some hypotheses, by index or mask (K,)."""
        return Evidence(**{name: value[index] for name, value in vars(self).items()})

    def without(self, mask: Tensor) -> 'Evidence':
        """Return the evidence with a score of -1 where the mask (H,) holds: never chosen."""
        return replace(self, inlier_share=torch.where(mask, 1.0, self.inlier_share),
                       coverage=torch.where(mask, -1.0, self.coverage),
                       likelihood_ratio=torch.where(mask, 1.0, self.likelihood_ratio))

    def put(self, index: Tensor, other: 'Evidence') -> 'Evidence':
        """Return this evidence with the rows of another at an index (K,)."""
        return Evidence(**{name: value.index_copy(0, index, getattr(other, name))
                           for name, value in vars(self).items()})

    def with_likelihood_ratio(self, observations: int) -> 'Evidence':
        """Return the evidence with the odds (H,) among the poses of each of the observations.

        Every observation must have equally many, in the order of the observations.
        """
        support = self.support.unflatten(0, (observations, -1))
        deviation = self.deviation.view_as(support)
        least = deviation.gather(1, support.argmax(dim=1, keepdim=True))
        likelihood_ratio = (least - deviation).exp().flatten()
        return replace(self, likelihood_ratio=torch.where(self.coverage < 0, 1.0, likelihood_ratio))


def fit(distance: Tensor, tolerance_m: Tensor) -> tuple[Tensor, Tensor]:
    """Return truncated mean residual and inlier share (H,) of points at distances (H, n)."""
    tolerance = tolerance_m[:, None]
    residual = torch.minimum(distance, 2 * tolerance).mean(1)
    # A soft edge: a point at the tolerance counts half, so that scores move smoothly.
    inlier = torch.sigmoid(6.0 * (1.0 - distance / tolerance)).mean(1)
    return residual, inlier


def view_coverage(hypotheses: Hypotheses, images: DepthImages, stack: ReferenceStack,
                  tolerance_m: Tensor) -> Tensor:
    """Return (H,) the share of probes a camera should see that it measured where they should be.

    A probe speaks against a pose when something was measured behind it, and a little when nothing
    was; hidden behind something else, it says nothing.
    """
    reference, observation = hypotheses.reference, hypotheses.observation
    camera = hypotheses.transform(-images.centroid[observation, None])  # (H, 1, 3)
    nearest = (stack.directions[reference] @ camera.transpose(1, 2)).squeeze(-1).argmax(dim=1)
    expected = stack.visible[reference, nearest]  # (H, K)
    # Into the observation's frame: x_o = R^T (x_r - t)
    points = (stack.probes[reference] - hypotheses.t[:, None]) @ hypotheses.R
    depth, near, far = images.look_up(observation, points)
    tolerance = tolerance_m[:, None]
    # Where nothing of the observation itself was measured, far is -inf.
    explained = (depth > near - tolerance) & (depth < torch.maximum(near, far) + tolerance)
    # Of what was measured, all counts that is not hidden behind something else.
    counts = (depth < near + tolerance) | (far > -torch.inf)
    weight = torch.where(near == torch.inf, UNSEEN_WEIGHT, counts.to(depth)) * expected
    return (explained & expected).sum(1) / weight.sum(1).clamp(min=1.0)


def probe_distances(hypotheses: Hypotheses, clouds: Tensor, stack: ReferenceStack) -> Tensor:
    """Return (H, K) how far from each probe the nearest point of its cloud (O, n, 3) is."""
    points = (stack.probes[hypotheses.reference] - hypotheses.t[:, None]) @ hypotheses.R
    # By products, and roots of the least squares alone: the table of all pairs is large.
    near = clouds[hypotheses.observation]
    products = torch.baddbmm(near.square().sum(-1)[:, None], points, near.transpose(1, 2),
                             alpha=-2.0)
    return (products.amin(-1) + points.square().sum(-1)).clamp_(min=0).sqrt_()


def full_coverage(distance: Tensor, tolerance_m: Tensor) -> Tensor:
    """Return (H,) the share of probes that have a point near, given distances (H, K)."""
    return torch.sigmoid(6.0 * (1.0 - distance / tolerance_m[:, None])).mean(1)


def deviation_m(distance: Tensor, diameter_m: Tensor) -> Tensor:
    """Return (H,) mean of the distances (H, n) and a share of the mean of the worst of them."""
    near = torch.minimum(distance, STRAY_DIAMETERS * diameter_m[:, None])
    worst = near.topk(max(1, round(WORST_SHARE * near.shape[1])), dim=1).values
    return near.mean(1) + WORST_WEIGHT * worst.mean(1)
