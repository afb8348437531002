"""Pseudo-negatives: predictions for other rotations must differ, or the rotation is lost."""

import torch
from torch import Tensor


def pseudo_negative_loss(anchor: Tensor, negatives: Tensor, *, tau: float) -> Tensor:
    """Return L_cope = mean log(1 + sum_r exp(-|a - n_r|^2 / tau)).

    Anchors (..., d), pseudo-negatives (..., M, d). Total collapse gives ln(M + 1), M = 0 gives 0.
    """
    gaps = (anchor.float().unsqueeze(-2) - negatives.float()).square().sum(-1)
    return one_plus_sum_exp(-gaps / tau).mean()


def one_plus_sum_exp(exponents: Tensor) -> Tensor:
    """Return log(1 + sum exp(x)) over the last dimension, without overflow."""
    one = exponents.new_zeros(*exponents.shape[:-1], 1)
    return torch.cat((one, exponents), dim=-1).logsumexp(dim=-1)
