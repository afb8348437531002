"""Pairs of views of one object, and the metrics that tell whether the embedding turns.

V views of each object give V (V - 1) ordered pairs: far more signal per encoded cloud than one
pair of two clouds.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.embedding.protocols import Cope


@dataclass(frozen=True, kw_only=True)
class PairTerms:
    """What losses and metrics are made of; B objects, P ordered pairs of views each."""

    anchor: Tensor
    """(B, P, d) predictions of the target from the source, unit vectors."""
    z_source: Tensor
    """(B, P, d)"""
    z_target: Tensor
    """(B, P, d)"""

    @property
    def predictor_accuracy(self) -> Tensor:
        """PA = mean cos(Theta_g z, z+) (EquiMod)."""
        return (self.anchor * self.z_target).sum(-1).mean()

    @property
    def absolute_equivariance(self) -> Tensor:
        """AE = PA - mean cos(z, z+): 0 when the embedding does not turn with its cloud."""
        return self.predictor_accuracy - (self.z_source * self.z_target).sum(-1).mean()


def ordered_pairs(views: int) -> tuple[list[int], list[int]]:
    """Return the sources and targets of all ordered pairs of different views."""
    pairs = [(source, target) for source in range(views) for target in range(views)
             if source != target]
    return [source for source, _ in pairs], [target for _, target in pairs]


def pair_terms(cope: Cope, z: Tensor, R: Tensor) -> PairTerms:
    """Return the terms of views z (B, V, d) whose clouds are turned by R (B, V, 3, 3)."""
    source, target = ordered_pairs(z.shape[1])
    R_target_source = R[:, target] @ R[:, source].transpose(-1, -2)
    anchor = normalize(cope.apply(R_target_source, z[:, source]).float(), dim=-1)
    return PairTerms(anchor=anchor, z_source=z[:, source], z_target=z[:, target])


def pseudo_negatives(cope: Cope, z: Tensor, R_other: Tensor) -> Tensor:
    """Return predictions (B, P, M, d) for other rotations, those of a view for all its pairs.

    z (B, V, d), R_other (B, V, M, 3, 3).
    """
    negatives = normalize(cope.apply(R_other, z[:, :, None].expand(*R_other.shape[:3], -1)
                                     ).float(), dim=-1)
    source, _ = ordered_pairs(z.shape[1])
    return negatives[:, source]
