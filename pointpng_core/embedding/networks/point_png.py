"""Point-PNG: the encoder, its projector to a unit embedding, and COPE."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from pointpng_core.embedding.cope.harmonic import HarmonicCope
from pointpng_core.embedding.cope.sie import SieCope
from pointpng_core.embedding.cope.wigner import WignerCope
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.masking import random_mask
from pointpng_core.embedding.networks.point_transformer import PointTransformer, pooled
from pointpng_core.embedding.networks.sync_batch_norm import GatheredBatchNorm
from pointpng_core.embedding.protocols import Cope


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
        if config.cope != 'wigner':
            # What all clouds have in common says nothing of their rotation, and would be all that
            # a predictor which has learned nothing yet could predict.
            self.projector.append(GatheredBatchNorm(config.embedding_dim))
        self.cope = make_cope(config)
        self.feature_size = 2 * config.width

    def forward(self, clouds: Tensor, *, mask_ratio: float = 0.0,
                generator: torch.Generator | None = None) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        patches, centres = self.encoder.group(clouds)
        mask = random_mask((len(clouds), patches.shape[1]), mask_ratio, generator=generator,
                           device=clouds.device) if mask_ratio > 0 else None
        raw: Tensor = self.projector(pooled(self.encoder(patches, centres, mask)))
        return self._unit(raw.float())

    def _unit(self, raw: Tensor) -> Tensor:
        if self.config.balanced and isinstance(self.cope, WignerCope):
            raw = torch.cat([block.flatten(1) for block in balanced(self.cope.split(raw))], dim=1)
        return normalize(raw, dim=-1)

    def features(self, clouds: Tensor) -> Tensor:
        """Return what classifiers take: [max | mean] of the tokens (B, 2 C)."""
        return pooled(self.encoder(*self.encoder.group(clouds)))


def balanced(blocks: list[Tensor]) -> list[Tensor]:
    """Give every degree's block (B, m, 2l + 1) a length of 1, and those that turn 0 to 1 more.

    The second part is shared out among the degrees l > 0 as the network likes. What no rotation
    of a cloud changes is left as it is, so the embedding still turns as its blocks do.

    While a degree is not predicted well yet, it only costs: left free, its length goes to zero
    within a hundred steps, and with it all that could teach it. Degree 0, which needs no turning,
    is left alone then, or degree 2, whose predictions second moments suffice for.
    """
    lengths = [block.flatten(1).norm(dim=1).clamp(min=1e-6)[:, None, None] for block in blocks]
    turning = torch.cat(lengths[1:], dim=1).norm(dim=1, keepdim=True)
    return [blocks[0] / lengths[0]] + [
        block * (1.0 / length + 1.0 / turning) for block, length in zip(blocks[1:], lengths[1:])]


def make_cope(config: ModelConfig) -> Cope:
    """Return the COPE that the configuration names; the learned ones are modules."""
    if config.cope == 'wigner':
        return WignerCope((config.copies,) * (config.degree_max + 1))
    if config.cope == 'sie':
        return SieCope(dim=config.dim)
    return HarmonicCope(dim=config.dim, code=config.code, combine=config.combine,
                        frequencies=config.frequencies)
