"""The rotation search as a loss: every wrong rotation of a grid is a pseudo-negative.

    L_cope = mean log(1 + sum_r exp((|z+ - a|^2 - |z+ - n_r|^2) / tau))

contrasts the prediction a for the true rotation with the predictions n_r for all other rotations,
as the search does: no other rotation may explain z+ better. It replaces the random
pseudo-negatives of Point-PNG (arXiv 2409.15832), which are too easy: the hard ones are flips and
near-symmetries, and a whole grid contains them all.
"""

import math

import roma
import torch
from torch import Tensor

from pointpng_core.embedding.losses.point_png import log_one_plus_sum_exp
from pointpng_core.embedding.protocols import Cope
from pointpng_core.geometry.so3 import in_plane_angles, random_rotations, rotation_grid


class RotationGrid:
    """A grid on SO(3), prepared for a COPE, whose rotations serve as pseudo-negatives."""

    def __init__(self, cope: Cope, *, rotations: int, apart_rad: float, device: torch.device
                 ) -> None:
        """Prepare about `rotations` rotations; within `apart_rad` of the truth they do not count.

        Those are nearly right, and no pseudo-negatives.
        """
        self.cope = cope
        self.R = rotation_grid(rotations).to(device)  # (G, 3, 3)
        self.bank = cope.grid_bank(self.R)
        self.trace_limit = _trace_at(apart_rad)

    def loss(self, z_source: Tensor, z_target: Tensor, *, tau: float,
             generator: torch.Generator) -> Tensor:
        """Return L_cope of pairs (B, d) in one frame: the identity is the true rotation.

        The source is first rotated at random, so that the truth may lie anywhere on the grid.
        """
        R = random_rotations((len(z_source),), generator=generator, device=z_source.device)
        scores = self.cope.grid_scores(self.bank, self.cope.apply(R, z_source), z_target)
        true = (z_source * z_target).sum(-1, keepdim=True)
        # trace(R_grid R) = 1 + 2 cos(angle between R_grid and the inverse of R)
        traces = R.transpose(-1, -2).flatten(1) @ self.R.flatten(1).T
        nearly_right = traces > self.trace_limit
        # For unit vectors |z+ - a|^2 - |z+ - n|^2 = 2 (<z+, n> - <z+, a>).
        exponents = ((scores - true) * (2.0 / tau)).masked_fill(nearly_right, -torch.inf)
        return log_one_plus_sum_exp(exponents).mean()


def view_retrieval_loss(cope: Cope, z_views: Tensor, R_view_object: Tensor, z_target: Tensor,
                        R_target_object: Tensor, *, in_plane_rotations: int, near_rad: float,
                        far_rad: float, tau: float) -> Tensor:
    """Return the mean negative log-likelihood of retrieving a right view of each target (B, d).

    The candidates are the views z_views (B, V, d) of all objects under all in-plane rotations.
    Views and targets are in their view frames, rotations (B, V, 3, 3) and (B, 3, 3). Candidates
    of the target's own object within `near_rad` of its true rotation are right, those beyond
    `far_rad` and all candidates of other objects wrong; those in between do not count. A target
    without a right candidate contributes 0.
    """
    angles = in_plane_angles(in_plane_rotations).to(z_views)
    bank = cope.in_plane_bank(z_views.flatten(0, 1), angles)
    scores = cope.in_plane_scores(bank, z_target).unflatten(1, z_views.shape[:2])  # (B, B, V, A)
    right, uncertain = _right_and_uncertain(angles, R_view_object, R_target_object,
                                            near_rad=near_rad, far_rad=far_rad)
    logits = (scores * (2.0 / tau)).flatten(1)
    has_right = right.any(dim=1)
    # Selecting the targets that have a right candidate would synchronise with the GPU.
    counted = right | ~has_right[:, None]
    right_sum = logits.masked_fill(~counted, -torch.inf).logsumexp(dim=1)
    total = logits.masked_fill(uncertain, -torch.inf).logsumexp(dim=1)
    return torch.where(has_right, total - right_sum, 0.0).mean()


def _right_and_uncertain(angles_rad: Tensor, R_view_object: Tensor, R_target_object: Tensor, *,
                         near_rad: float, far_rad: float) -> tuple[Tensor, Tensor]:
    """Return which candidates (B, B V A) are right for each target, and which do not count."""
    rotvecs = torch.stack((0 * angles_rad, 0 * angles_rad, angles_rad), dim=-1)
    rotated = roma.rotvec_to_rotmat(rotvecs) @ R_view_object[:, :, None]  # (B, V, A, 3, 3)
    traces = (rotated * R_target_object[:, None, None]).sum((-1, -2))  # (B, V, A), own object only
    own = torch.arange(len(traces), device=traces.device)
    right = torch.zeros(len(traces), *traces.shape, dtype=torch.bool, device=traces.device)
    right[own, own] = traces > _trace_at(near_rad)
    uncertain = torch.zeros_like(right)
    uncertain[own, own] = (traces > _trace_at(far_rad)) & ~right[own, own]
    return right.flatten(1), uncertain.flatten(1)


def _trace_at(angle_rad: float) -> float:
    """Return the trace of a rotation by an angle."""
    return 1.0 + 2.0 * math.cos(angle_rad)
