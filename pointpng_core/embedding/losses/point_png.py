"""The loss of Point-PNG (arXiv 2409.15832) with pseudo-negatives against invariant collapse.

    L       = L_align + beta L_cope + (1 - beta) L_unif
    L_align = |a - z+|^2 / tau
    L_cope  = log(1 + sum_r exp(-|a - n_r|^2 / tau))
    L_unif  = log(1 + sum_{j != i} exp(-|a_i - z_j+|^2 / tau))

The anchor a = Theta_g z / |Theta_g z| predicts the embedding z+ of the cloud rotated by g; the
pseudo-negative n_r is the same prediction for another rotation g_r. L_cope pushes the two apart:
without it, L_align is minimal for an embedding that ignores the rotation.

The paper trains on one pair of clouds per object. Here V views of each object give V (V - 1)
ordered pairs, which is more signal per encoded cloud.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.embedding.collectives import all_gather_rows
from pointpng_core.embedding.protocols import Cope
from pointpng_core.geometry.so3 import random_rotations


@dataclass(frozen=True, kw_only=True)
class LossParts:
    """The loss, its unweighted terms, and the metrics PA and AE of the same batch (scalars)."""

    loss: Tensor
    align: Tensor
    cope: Tensor
    unif: Tensor
    pa: Tensor
    ae: Tensor


@dataclass(frozen=True, kw_only=True)
class PairTerms:
    """Predicted and true embeddings of P ordered pairs of views of each of B objects."""

    anchor: Tensor
    """(B, P, d) predictions of the target from the source, unit vectors."""
    z_source: Tensor
    """(B, P, d)"""
    z_target: Tensor
    """(B, P, d)"""

    @property
    def predictor_accuracy(self) -> Tensor:
        """Return PA = mean cos(Theta_g z, z+) (after EquiMod, arXiv 2211.01244)."""
        return (self.anchor * self.z_target).sum(-1).mean()

    @property
    def absolute_equivariance(self) -> Tensor:
        """Return AE = PA - mean cos(z, z+), which is 0 if the embedding ignores rotations."""
        return self.predictor_accuracy - (self.z_source * self.z_target).sum(-1).mean()


def point_png_loss(cope: Cope, z: Tensor, R: Tensor, *, beta: float, negatives: int, tau: float,
                   boost: float = 1.0, generator: torch.Generator | None = None) -> LossParts:
    """Return L_align + boost beta L_cope + (1 - beta) L_unif of views z (B, V, d).

    R (B, V, 3, 3) are the rotations that were applied to the views; `negatives` is the number M
    of random rotations per view whose predictions serve as pseudo-negatives.
    """
    terms = pair_terms(cope, z, R)
    R_negative = random_rotations((*z.shape[:2], negatives), generator=generator, device=z.device)
    align = align_loss(terms.anchor, terms.z_target, tau=tau)
    pseudo = pseudo_negative_loss(terms.anchor, pseudo_negatives(cope, z, R_negative), tau=tau)
    unif = uniformity_loss(terms.anchor, terms.z_target, tau=tau)
    return LossParts(loss=align + boost * beta * pseudo + (1.0 - beta) * unif, align=align,
                     cope=pseudo, unif=unif, pa=terms.predictor_accuracy,
                     ae=terms.absolute_equivariance)


def align_loss(anchor: Tensor, z_target: Tensor, *, tau: float) -> Tensor:
    """Return L_align = mean |a - z+|^2 / tau for anchors and targets (..., d)."""
    return (anchor.float() - z_target.float()).square().sum(-1).mean() / tau


def pseudo_negative_loss(anchor: Tensor, negatives: Tensor, *, tau: float) -> Tensor:
    """Return L_cope = mean log(1 + sum_r exp(-|a - n_r|^2 / tau)).

    Anchors have shape (..., d), pseudo-negatives (..., M, d). Invariant collapse gives ln(M + 1),
    M = 0 gives 0.
    """
    squared = (anchor.float().unsqueeze(-2) - negatives.float()).square().sum(-1)
    return log_one_plus_sum_exp(-squared / tau).mean()


def uniformity_loss(anchor: Tensor, z_target: Tensor, *, tau: float) -> Tensor:
    """Return L_unif = mean log(1 + sum_{j != i} exp(-|a_i - z_j+|^2 / tau)).

    anchor and z_target (B, P, d) hold P pairs of views of B objects; each anchor is contrasted
    with the targets of the same pair of all other objects, including those of other processes. A
    single object gives 0, identical ones ln B.
    """
    targets, first = all_gather_rows(z_target.float())  # (all B, P, d)
    rows = anchor.float().transpose(0, 1)  # (P, B, d)
    columns = targets.transpose(0, 1)
    squared = (rows.square().sum(-1)[..., None] + columns.square().sum(-1)[..., None, :]
               - 2.0 * rows @ columns.transpose(1, 2)).clamp(min=0.0)  # (P, B, all B)
    own = torch.arange(squared.shape[1], device=squared.device)[:, None] + first \
        == torch.arange(squared.shape[2], device=squared.device)
    return log_one_plus_sum_exp((-squared / tau).masked_fill(own, -torch.inf)).mean()


def ordered_pairs(views: int) -> tuple[list[int], list[int]]:
    """Return the source and target indices of all ordered pairs of different views."""
    pairs = [(source, target) for source in range(views) for target in range(views)
             if source != target]
    return [source for source, _ in pairs], [target for _, target in pairs]


def pair_terms(cope: Cope, z: Tensor, R: Tensor) -> PairTerms:
    """Return the terms of views z (B, V, d) of clouds that were rotated by R (B, V, 3, 3)."""
    source, target = ordered_pairs(z.shape[1])
    R_target_source = R[:, target] @ R[:, source].transpose(-1, -2)
    anchor = normalize(cope.apply(R_target_source, z[:, source]).float(), dim=-1)
    return PairTerms(anchor=anchor, z_source=z[:, source], z_target=z[:, target])


def pseudo_negatives(cope: Cope, z: Tensor, R_negative: Tensor) -> Tensor:
    """Return the pseudo-negatives (B, P, M, d) of all ordered pairs of views z (B, V, d).

    R_negative (B, V, M, 3, 3) are M rotations of each view, used for all pairs of that source.
    """
    negatives = normalize(cope.apply(R_negative, z[:, :, None].expand(*R_negative.shape[:3], -1)
                                     ).float(), dim=-1)
    source, _ = ordered_pairs(z.shape[1])
    return negatives[:, source]


def log_one_plus_sum_exp(exponents: Tensor) -> Tensor:
    """Return log(1 + sum exp(x)) over the last dimension, without overflow."""
    one = exponents.new_zeros(*exponents.shape[:-1], 1)
    return torch.cat((one, exponents), dim=-1).logsumexp(dim=-1)
