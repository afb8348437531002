"""How well a pose explains what was measured, and what should have been measured but was not."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.reference.stack import ReferenceStack
from pointpng_core.registration.depth_image import DepthImages
from pointpng_core.registration.field import SurfaceField
from pointpng_core.registration.hypotheses import Hypotheses
from pointpng_core.registration.icp import disc_distance

UNSEEN_WEIGHT = 0.5
"""How much a visible model point counts against a pose where the camera measured nothing."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """For and against each of H hypotheses."""

    residual_m: Tensor
    """(H,) mean distance of the observation's points to the surface, truncated."""
    inlier_share: Tensor
    """(H,) of the observation's points within the tolerance of the surface."""
    coverage: Tensor
    """(H,) of the surface that should be visible and was found where it should be."""

    @property
    def score(self) -> Tensor:
        """Return (H,) in [0, 1]; -1 for what was taken out."""
        return self.inlier_share * self.coverage

    def take(self, index: Tensor) -> 'Evidence':
        """Return the evidence of some hypotheses, by index or mask (K,)."""
        return Evidence(**{name: value[index] for name, value in vars(self).items()})

    def without(self, mask: Tensor) -> 'Evidence':
        """Return the evidence with a score of -1 where the mask (H,) holds: never chosen."""
        return Evidence(residual_m=self.residual_m,
                        inlier_share=torch.where(mask, 1.0, self.inlier_share),
                        coverage=torch.where(mask, -1.0, self.coverage))

    def put(self, index: Tensor, other: 'Evidence') -> 'Evidence':
        """Return this evidence with the rows of another at an index (K,)."""
        return Evidence(**{name: value.index_copy(0, index, getattr(other, name))
                           for name, value in vars(self).items()})


def fit(field: SurfaceField, hypotheses: Hypotheses, points: Tensor, tolerance_m: Tensor
        ) -> tuple[Tensor, Tensor]:
    """Return truncated mean residual and inlier share (H,) of observation points (H, n, 3)."""
    distance = disc_distance(field, hypotheses.reference, hypotheses.transform(points))
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
    unmeasured = torch.isinf(near)
    own = ~torch.isinf(far)
    explained = (depth > near - tolerance) & (depth < torch.where(own, far, near) + tolerance)
    ahead = (depth < near - tolerance) & ~unmeasured
    weight = torch.where(unmeasured, UNSEEN_WEIGHT, (explained | ahead).to(depth))
    weight = torch.where(own & ~explained, 1.0, weight) * expected
    return (explained * expected).sum(1) / weight.sum(1).clamp(min=1.0)


def full_coverage(hypotheses: Hypotheses, clouds: Tensor, stack: ReferenceStack,
                  tolerance_m: Tensor) -> Tensor:
    """Return (H,) the share of probes that have a point of their cloud (O, n, 3) near."""
    points = (stack.probes[hypotheses.reference] - hypotheses.t[:, None]) @ hypotheses.R
    distance = torch.cdist(points, clouds[hypotheses.observation]).amin(-1)
    return torch.sigmoid(6.0 * (1.0 - distance / tolerance_m[:, None])).mean(1)
