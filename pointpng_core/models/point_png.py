"""Point-PNG: the encoder, its projector to a unit embedding, and COPE."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from pointpng_core.cope.harmonic import HarmonicCope
from pointpng_core.cope.sie import SieCope
from pointpng_core.cope.wigner import WignerCope
from pointpng_core.models.batch_norm import GatheredBatchNorm
from pointpng_core.models.config import ModelConfig
from pointpng_core.models.masking import random_mask
from pointpng_core.models.point_transformer import PointTransformer, pooled
from pointpng_core.protocols import Cope


class PointPng(nn.Module):
    """Clouds to unit embeddings z, and `cope`, which predicts the z of a turned cloud."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = PointTransformer(config)
        # Without batch statistics here the embedding collapses to a constant.
        self.projector = nn.Sequential(
            nn.Linear(2 * config.width, config.projector, bias=False),
            GatheredBatchNorm(config.projector), nn.ReLU(),
            nn.Linear(config.projector, config.embedding_dim))
        self.cope = make_cope(config)

    def forward(self, clouds: Tensor, *, mask_ratio: float = 0.0,
                generator: torch.Generator | None = None) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        patches, centres = self.encoder.group(clouds)
        mask = random_mask((len(clouds), patches.shape[1]), mask_ratio, generator=generator,
                           device=clouds.device) if mask_ratio > 0 else None
        raw: Tensor = self.projector(pooled(self.encoder(patches, centres, mask)))
        return self._unit(raw.float())

    def _unit(self, raw: Tensor) -> Tensor:
        """Return unit vectors (B, d), for the Wigner COPE with a fixed share in degree 0.

        While nothing is predicted well yet, what turns only costs: left free, its energy goes to
        zero within a hundred steps and hardly ever returns.
        """
        config = self.config
        if config.cope != 'wigner' or not config.invariant_share:
            return normalize(raw, dim=-1)
        fixed, turning = raw.split([config.copies, config.embedding_dim - config.copies], dim=-1)
        share = config.invariant_share
        return torch.cat((share ** 0.5 * normalize(fixed, dim=-1),
                          (1.0 - share) ** 0.5 * normalize(turning, dim=-1)), dim=-1)

    def features(self, clouds: Tensor) -> Tensor:
        """Return what classifiers take: [max | mean] of the tokens (B, 2 C)."""
        return pooled(self.encoder(*self.encoder.group(clouds)))


def make_cope(config: ModelConfig) -> Cope:
    """Return the COPE that the configuration names; the learned ones are modules."""
    if config.cope == 'wigner':
        return WignerCope((config.copies,) * (config.degree_max + 1))
    if config.cope == 'sie':
        return SieCope(dim=config.dim)
    return HarmonicCope(dim=config.dim, code=config.code, combine=config.combine)
