"""Point-PNG (arXiv 2409.15832): the encoder, a projector to a unit embedding, and COPE."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from pointpng_core.embedding.cope.harmonic import HarmonicCope
from pointpng_core.embedding.cope.sie import SieCope
from pointpng_core.embedding.cope.wigner import WignerCope
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.patches import random_mask
from pointpng_core.embedding.networks.sync_batch_norm import SynchronisedBatchNorm
from pointpng_core.embedding.networks.transformer import PointTransformer, pooled
from pointpng_core.embedding.protocols import Cope


class PointPng(nn.Module):
    """Network from clouds to unit embeddings z; `cope` predicts the z of a rotated cloud."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = PointTransformer(config)
        # Without batch statistics here, the embedding collapses to a constant within 200 steps.
        self.projector = nn.Sequential(
            nn.Linear(2 * config.width, config.projector, bias=False),
            SynchronisedBatchNorm(config.projector), nn.ReLU(),
            nn.Linear(config.projector, config.embedding_dim))
        if config.cope != 'wigner':
            # The mean embedding of all clouds does not depend on their rotation, and an untrained
            # predictor could predict nothing but it: it is subtracted.
            self.projector.append(SynchronisedBatchNorm(config.embedding_dim))
        self.cope = make_cope(config)
        self.feature_size = 2 * config.width

    def forward(self, clouds: Tensor, *, mask_ratio: float = 0.0,
                generator: torch.Generator | None = None) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        patches, centres = self.encoder.group(clouds)
        mask = random_mask((len(clouds), patches.shape[1]), mask_ratio, generator=generator,
                           device=clouds.device) if mask_ratio > 0 else None
        raw: Tensor = self.projector(pooled(self.encoder(patches, centres, mask)))
        return self._normalised(raw.float())

    def _normalised(self, raw: Tensor) -> Tensor:
        if self.config.balanced and isinstance(self.cope, WignerCope):
            raw = torch.cat([block.flatten(1) for block in balanced(self.cope.split(raw))], dim=1)
        return normalize(raw, dim=-1)

    def features(self, clouds: Tensor) -> Tensor:
        """Return the features for classifiers: [max | mean] of the tokens (B, 2 C)."""
        return pooled(self.encoder(*self.encoder.group(clouds)))


def balanced(blocks: list[Tensor]) -> list[Tensor]:
    """Scale each degree's block (B, m, 2l + 1) to length 1, and those of l > 0 by up to 1 more.

    The second part is divided among the degrees l > 0 in proportion to their lengths. All factors
    are rotation-invariant, so the embedding remains equivariant.

    A degree that is not yet predicted well only adds to the loss: unbalanced, its length goes to
    zero within a hundred steps, and its gradients with it. Only degree 0, which is invariant, or
    degree 2, which second moments suffice to predict, would remain.
    """
    lengths = [block.flatten(1).norm(dim=1).clamp(min=1e-6)[:, None, None] for block in blocks]
    equivariant = torch.cat(lengths[1:], dim=1).norm(dim=1, keepdim=True)
    return [blocks[0] / lengths[0]] + [
        block * (1.0 / length + 1.0 / equivariant)
        for block, length in zip(blocks[1:], lengths[1:])]


def make_cope(config: ModelConfig) -> Cope:
    """Return the COPE of a configuration; the learned ones are modules."""
    if config.cope == 'wigner':
        return WignerCope((config.copies,) * (config.degree_max + 1))
    if config.cope == 'sie':
        return SieCope(dim=config.dim)
    return HarmonicCope(dim=config.dim, code=config.code, combine=config.combine,
                        frequencies=config.frequencies)
