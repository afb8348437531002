"""Other objects of the batch keep their distance."""

import torch
from torch import Tensor

from pointpng_core.embedding.collectives import gathered
from pointpng_core.embedding.losses.pseudo_negatives import one_plus_sum_exp


def uniformity_loss(anchor: Tensor, z_target: Tensor, *, tau: float) -> Tensor:
    """Return L_unif = mean log(1 + sum_{j != i} exp(-|a_i - z_j+|^2 / tau)).

    anchor, z_target (B, P, d): P pairs of views of B objects; every anchor is set against the
    targets of the same pair of all other objects, those of other processes too. One object alone
    gives 0, identical ones ln B.
    """
    others, first = gathered(z_target.float())  # (all B, P, d)
    rows = anchor.float().transpose(0, 1)  # (P, B, d)
    columns = others.transpose(0, 1)
    gaps = (rows.square().sum(-1)[..., None] + columns.square().sum(-1)[..., None, :]
            - 2.0 * rows @ columns.transpose(1, 2)).clamp(min=0.0)  # (P, B, all B)
    own = torch.arange(gaps.shape[1], device=gaps.device)[:, None] + first \
        == torch.arange(gaps.shape[2], device=gaps.device)
    return one_plus_sum_exp((-gaps / tau).masked_fill(own, -torch.inf)).mean()
