"""The whole loss of Point-PNG on views of a batch of objects."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.embedding.losses.alignment import align_loss
from pointpng_core.embedding.losses.info_nce import pair_terms, pseudo_negatives
from pointpng_core.embedding.losses.pseudo_negatives import pseudo_negative_loss
from pointpng_core.embedding.losses.uniformity import uniformity_loss
from pointpng_core.embedding.protocols import Cope
from pointpng_core.geometry.so3 import random_rotations


@dataclass(frozen=True, kw_only=True)
class LossParts:
    """The loss and what it is made of, with the metrics of the same batch."""

    loss: Tensor
    align: Tensor
    cope: Tensor
    unif: Tensor
    pa: Tensor
    ae: Tensor


def point_png_loss(cope: Cope, z: Tensor, R: Tensor, *, beta: float, negatives: int, tau: float,
                   boost: float = 1.0, generator: torch.Generator | None = None) -> LossParts:
    """Return L_align + beta L_cope + (1 - beta) L_unif of views z (B, V, d), turned by R.

    R (B, V, 3, 3); `negatives` M random rotations per view; `boost` multiplies L_cope.
    """
    terms = pair_terms(cope, z, R)
    others = random_rotations((*z.shape[:2], negatives), generator=generator, device=z.device)
    align = align_loss(terms.anchor, terms.z_target, tau=tau)
    pseudo = pseudo_negative_loss(terms.anchor, pseudo_negatives(cope, z, others), tau=tau)
    unif = uniformity_loss(terms.anchor, terms.z_target, tau=tau)
    return LossParts(loss=align + boost * beta * pseudo + (1.0 - beta) * unif, align=align,
                     cope=pseudo, unif=unif, pa=terms.predictor_accuracy,
                     ae=terms.absolute_equivariance)
