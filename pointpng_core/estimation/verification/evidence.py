"""The evidence for a pose: how well it explains what was measured, and what it leaves missing."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

WORST_SHARE, WORST_WEIGHT = 0.01, 0.2
"""Share of the worst points, and the weight of their distance beside the mean of all: two poses of
furniture that differ by a handle differ in few points, which noise and sampling alone never put
that far away."""
STRAY_DIAMETERS = 0.1
"""A point further away belongs to another object; its exact distance does not matter."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Evidence for and against each of H hypotheses."""

    residual_m: Tensor
    """(H,) mean distance of the observation's points to the surface, truncated."""
    inlier_share: Tensor
    """(H,) share of the observation's points within the tolerance of the surface."""
    coverage: Tensor
    """(H,) share of the surface expected to be visible that was measured."""
    deviation: Tensor
    """(H,) negative log-likelihood of the distances between surface and points."""
    likelihood_ratio: Tensor
    """(H,) likelihood of the deviation over that of the best supported pose of the observation,
    for which it is 1. It separates poses that explain a cloud about as well within the
    tolerance."""
    suppressed: Tensor
    """(H,) bool: a better hypothesis has nearly the same pose (non-maximum suppression)."""

    @classmethod
    def alone(cls, *, residual_m: Tensor, inlier_share: Tensor, coverage: Tensor,
              deviation: Tensor) -> 'Evidence':
        """Return the evidence of hypotheses before they are compared: none is suppressed."""
        return cls(residual_m=residual_m, inlier_share=inlier_share, coverage=coverage,
                   deviation=deviation, likelihood_ratio=torch.ones_like(residual_m),
                   suppressed=torch.zeros_like(residual_m, dtype=torch.bool))

    @property
    def score(self) -> Tensor:
        """Return (H,) in [0, 1]; -1 for suppressed hypotheses."""
        score = self.inlier_share * self.coverage * self.likelihood_ratio
        return torch.where(self.suppressed, -1.0, score)

    @property
    def support(self) -> Tensor:
        """Return (H,) the log-likelihood: of inliers and coverage, minus the deviation.

        -inf for suppressed hypotheses.
        """
        support = (self.inlier_share * self.coverage).log() - self.deviation
        return torch.where(self.suppressed, -torch.inf, support)

    def take(self, index: Tensor) -> 'Evidence':
        """Return the evidence of some hypotheses, by index or mask (K,)."""
        return Evidence(**{name: value[index] for name, value in vars(self).items()})

    def with_suppressed(self, mask: Tensor) -> 'Evidence':
        """Return the evidence with hypotheses also suppressed where a mask (H,) is true."""
        return replace(self, suppressed=self.suppressed | mask)

    def put(self, index: Tensor, other: 'Evidence') -> 'Evidence':
        """Return this evidence with its rows at an index (K,) replaced by those of another."""
        return Evidence(**{name: value.index_copy(0, index, getattr(other, name))
                           for name, value in vars(self).items()})

    def with_likelihood_ratio(self, shape: tuple[int, int]) -> 'Evidence':
        """Return the evidence with the likelihood ratios within each observation.

        `shape` (O, K) is that of the hypotheses.
        """
        support = self.support.unflatten(0, shape)
        deviation = self.deviation.view_as(support)
        best = deviation.gather(1, support.argmax(dim=1, keepdim=True))
        return replace(self, likelihood_ratio=(best - deviation).exp().flatten())


def fit(distance: Tensor, tolerance_m: Tensor) -> tuple[Tensor, Tensor]:
    """Return the truncated mean residual and the inlier share (H,) of distances (H, n) in metres.

    tolerance_m (H,) is the distance at which a point counts half.
    """
    tolerance = tolerance_m[:, None]
    residual = torch.minimum(distance, 2 * tolerance).mean(1)
    # A soft edge: scores then change smoothly with the pose.
    inlier = torch.sigmoid(6.0 * (1.0 - distance / tolerance)).mean(1)
    return residual, inlier


def deviation_m(distance: Tensor, diameter_m: Tensor) -> Tensor:
    """Return (H,) the mean of distances (H, n) plus a share of the mean of the worst of them."""
    near = torch.minimum(distance, STRAY_DIAMETERS * diameter_m[:, None])
    worst = near.topk(max(1, round(WORST_SHARE * near.shape[1])), dim=1).values
    return near.mean(1) + WORST_WEIGHT * worst.mean(1)
