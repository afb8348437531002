"""The search itself as a loss: every wrong rotation of a grid is a pseudo-negative.

    L_cope = mean log(1 + sum_r exp((|z+ - a|^2 - |z+ - n_r|^2) / tau))

sets the prediction for the true rotation, a, against those for all others, n_r, as the search
does: what must not happen is that another rotation explains z+ better. Random rotations are far
too easy: the hard ones are flips and near-symmetries, and a whole grid holds them all.
"""

import math

import roma
import torch
from torch import Tensor

from pointpng_core.embedding.losses.pseudo_negatives import one_plus_sum_exp
from pointpng_core.embedding.protocols import Cope
from pointpng_core.geometry.so3 import in_plane_angles, random_rotations, rotation_grid


class RotationGrid:
    """A grid on SO(3) with what a COPE prepared of it; `apart_rad` from the truth is wrong."""

    def __init__(self, cope: Cope, *, rotations: int, apart_rad: float, device: torch.device
                 ) -> None:
        self.cope = cope
        self.R = rotation_grid(rotations).to(device)  # (G, 3, 3)
        self.bank = cope.grid_bank(self.R)
        self.limit = 1.0 + 2.0 * math.cos(apart_rad)

    def loss(self, z_source: Tensor, z_target: Tensor, *, tau: float,
             generator: torch.Generator) -> Tensor:
        """Return L_cope of pairs (B, d) in one frame: the identity is the true rotation.

        The source is turned at random first, so that the truth may lie anywhere on the grid.
        """
        turn = random_rotations((len(z_source),), generator=generator, device=z_source.device)
        scores = self.cope.grid_scores(self.bank, self.cope.apply(turn, z_source), z_target)
        true = (z_source * z_target).sum(-1, keepdim=True)
        # trace(R_grid turn) = 1 + 2 cos(angle between R_grid and the inverse of the turn)
        traces = turn.transpose(-1, -2).flatten(1) @ self.R.flatten(1).T
        wrong = ((scores - true) * (2.0 / tau)).masked_fill(traces > self.limit, -torch.inf)
        return one_plus_sum_exp(wrong).mean()


def view_loss(cope: Cope, z_views: Tensor, R_view_object: Tensor, z_target: Tensor,
              R_target_object: Tensor, *, in_plane_rotations: int, near_rad: float, far_rad: float,
              tau: float) -> Tensor:
    """Return L_cope of targets (B, d) among views (B, V, d) of all objects under all in_plane_rotations.

    Views and targets are in their view frames, R (B, V, 3, 3) and (B, 3, 3). Views of a target's
    own object that bring it within `near_rad` of the truth are right, those beyond `far_rad` and
    all of other objects wrong.
    """
    angles = in_plane_angles(in_plane_rotations).to(z_views)
    bank = cope.in_plane_bank(z_views.flatten(0, 1), angles)
    scores = cope.in_plane_scores(bank, z_target).unflatten(1, z_views.shape[:2])  # (B, B, V, A)
    axis = torch.stack((0 * angles, 0 * angles, angles), dim=-1)
    twisted = roma.rotvec_to_rotmat(axis) @ R_view_object[:, :, None]  # (B, V, A, 3, 3)
    traces = (twisted * R_target_object[:, None, None]).sum((-1, -2))  # own object only
    own = torch.arange(len(z_target), device=z_target.device)
    right = torch.zeros_like(scores, dtype=torch.bool)
    right[own, own] = traces > 1.0 + 2.0 * math.cos(near_rad)
    unclear = torch.zeros_like(right)
    unclear[own, own] = (traces > 1.0 + 2.0 * math.cos(far_rad)) & ~right[own, own]
    logits = (scores * (2.0 / tau)).flatten(1)
    found = right.flatten(1).any(dim=1)
    # Targets without a right view count nothing; to pick the others would be to wait for a GPU.
    counted = right.flatten(1) | ~found[:, None]
    best = logits.masked_fill(~counted, -torch.inf).logsumexp(dim=1)
    every = logits.masked_fill(unclear.flatten(1), -torch.inf).logsumexp(dim=1)
    return torch.where(found, every - best, 0.0).mean()
